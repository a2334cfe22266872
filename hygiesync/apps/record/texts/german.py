"""The German text."""

LANGUAGE = "de"

MANNERS = {
    "calm": "ruhig",
    "cheerful": "fröhlich, mit einem Lächeln",
    "serious": "ernst",
    "surprised": "überrascht, als Frage",
}

SENTENCES = {
    "calm": (
        "Ein blasser Mond stand über dem Hafen, während die letzten Boote heimkamen.",
        "Mein Vater hat fünf warme Decken in einer alten Truhe neben der Tür.",
        "Wir gehen oft durch den Park bis zur Mühle, bevor wir Tee trinken.",
        "Rauschend fällt Regen auf die Burg, während einer schon im Theater sitzt.",
        "Sie stellte die blaue Tasse ins Regal und schloss leise den Schrank.",
        "Abends lagen frische Erbsen und Obst auf unserem Tisch.",
        "Lass das Fenster offen, wenn du den Regen auf dem Dach hören möchtest.",
        "Ihnen hat der Käufer in den Ferien eine Postkarte aus der Hütte geschickt.",
        "Er hat die Länge der Garage zweimal gemessen und beide Zahlen aufgeschrieben.",
        "Unser Nachbar pflückt Äpfel, Pflaumen und gelbe Birnen hinter dem Haus.",
        "Zu Fuß braucht man eine gute Stunde ins Dorf, mit dem Fahrrad weniger.",
        "Der alte Motor hustete, bebte und kam langsam wieder in Gang.",
    ),
    "cheerful": (
        "Gute Nachricht: Der ganze Chor kommt zu meinem Geburtstag!",
        "Wie schön, den jungen Hunden beim Spielen zuzusehen!",
        "Junge Affen lösen fabelhaft jeden Hebel, und die Zuschauer lachen!",
        "Die Buben haben aus Pappe ein Schiff gebaut, und es schwimmt wirklich!",
        "So gelacht habe ich nie wie damals, als die Ziege mein Heft auffraß!",
        "Schau, der Kirschbaum ist voller Vögel, die fröhlich pfeifen!",
        "Danke für den klugen Rat, im Juli fange ich die neue Arbeit an!",
        "Hurra, wir haben gewonnen, und das Publikum will nicht aufhören zu jubeln, hurra!",
        "Komm, wir streichen die Küche orange und hängen bunte Bilder auf!",
        "Spring herein, das Wasser ist warm und die Aussicht ist herrlich!",
        "Öfen glühen, Teufel hüpfen, und du läufst mit zwei Zöpfen zum Chef!",
        "Heute gibt es Pfannkuchen mit Quark, Honig und süßen Kirschen!",
    ),
    "serious": (
        "Unserer Schule fehlen Millionen, doch die Schuld liegt nicht am freien Studium.",
        "Bitte legen Sie den Gurt an, und achten Sie auf die Straße.",
        "Acht Monate Dürre haben die Brunnen nördlich des Tals geleert.",
        "Ein genauer Beobachter hätte den Fehler in der dritten Tafel bemerkt.",
        "Fällt der Druck unter fünf Bar, schließen Sie sofort das Ventil der Pumpe.",
        "Das Museum gab den bronzenen Kopf dem Volk zurück, dem er gestohlen wurde.",
        "Nur wenige Richter hatten den Mut, sich dem Herrscher zu widersetzen.",
        "Der scheue Frosch schützt sich auf einem schiefen Blatt, das falsch und immer ruhig wirkt.",
        "Wer das Material im Stahlrohr prüfen soll, muss aufstehen, lesen und gut zuhören.",
        "Zuerst messen, dann gründlich überlegen, und erst zum Schluss handeln.",
        "Das Feuer breitete sich rasch aus, doch jedes Kind wurde gerettet.",
    ),
    "surprised": (
        "Du meinst, er ist zu Fuß von Zürich bis Neapel gelaufen?",
        "Hat sie wirklich unser ganzes Mittagessen weggeworfen?",
        "War das seriöse Objekt etwa verrückt oder bloß ein Spaß mit fähigen Leuten?",
        "Wer zahlt denn tausend Euro für einen kaputten Regenschirm?",
        "Ist das deine eigene Stimme im Radio, oder träume ich?",
        "Warum bügelt jemand um vier Uhr früh eine Badehose?",
        "Du rutschst mit der Wäsche aus, und er sucht noch Nachschub?",
        "Sollte das Juwel der Königin nicht tief unter dem Turm liegen?",
        "Sie haben den Hof, die Schafe und den Pflug an einem Tag verkauft?",
        "Kann es sein, dass dieselbe Eule seit zwölf Jahren dort oben wohnt?",
    ),
}
