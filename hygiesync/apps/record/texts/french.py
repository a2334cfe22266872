"""The French text."""

LANGUAGE = "fr"

MANNERS = {
    "calm": "calmement",
    "cheerful": "gaiement, avec le sourire",
    "serious": "avec sérieux",
    "surprised": "avec surprise, comme une question",
}

SENTENCES = {
    "calm": (
        "Une brume légère flottait sur le port pendant que les bateaux rentraient.",
        "En hiver, une chienne rouge suit les loups loin de leur région.",
        "Ce soir, une bouteille tombe, et on s'éloigne avec grâce.",
        "Le sentier longe la rivière, puis il grimpe doucement vers la montagne.",
        "Vous balayiez la cour sous un ciel pluvieux, sans plier le genou.",
        "Ma grand-mère brodait des fleurs jaunes et brunes sur un linge très fin.",
        "Jeudi matin, le brouillard était si épais que les deux ponts avaient disparu.",
        "Laisse la fenêtre ouverte si tu aimes entendre la pluie sur le toit.",
        "Lundi, notre voisin a cueilli des poires, des prunes et quelques noix.",
        "Il faut une heure et demie pour rejoindre le village à pied, un peu moins à vélo.",
        "Oui, la petite fille timide a touché le billet qui dépassait de la boîte.",
        "Neuf paniers, neuf sacs et un objet ovale ont envahi le chariot.",
    ),
    "cheerful": (
        "Bonne nouvelle : toute la chorale vient chanter à mon anniversaire !",
        "Quelle joie de voir les agneaux courir dans l'herbe verte !",
        "Goûtez vite la viande et les gâteaux, ils sortent juste du four !",
        "Les enfants ont fabriqué un voilier en papier, et il flotte vraiment !",
        "Léonard a créé une vidéo aérienne qui satisfait tous nos clients !",
        "Regarde cette feuille qui brille et ces oiseaux qui sifflent dans la niche !",
        "Merci beaucoup, votre conseil m'a donné des ailes !",
        "Bravo, on a gagné de deux points, et la foule est en délire !",
        "Peignons la cuisine en orange et accrochons des guirlandes partout !",
        "Viens te baigner, l'eau est bonne et la vue est magnifique !",
        "Le chef nous a offert une soupe d'oignons, du homard et un gros gâteau !",
    ),
    "serious": (
        "Le tribunal dira mercredi si cet accord est valable.",
        "Attachez votre ceinture, rangez le téléphone et regardez la route.",
        "Huit mois de sécheresse et un vent étrange ont vidé les puits de la vallée.",
        "Un observateur attentif aurait remarqué l'erreur dans le troisième tableau.",
        "Si la pression tombe sous cinq bars, fermez aussitôt la pompe principale.",
        "Notre coéquipier triomphe, et la grosse somme qui est en jeu va être réunie.",
        "Peu de juges ont eu le courage de s'opposer à un homme aussi puissant.",
        "Aucun parfum, aucun brin d'herbe : le feu n'avait rien laissé.",
        "Notre rapport montre où va l'argent, et pourquoi personne n'a rien demandé.",
        "Mesurons deux fois, réfléchissons bien, et choisissons seulement ensuite.",
        "Va en bas : un poisson amer est caché dans cette grosse chaussure.",
    ),
    "surprised": (
        "Tu veux dire que le guide est venu à pied de Lyon jusqu'ici ?",
        "Un géant affamé et doué a tué la mouche devant la maison isolée ?",
        "Comment un ours a-t-il pu entrer dans une salle de bains fermée à clé ?",
        "Qui paierait mille euros pour un parapluie cassé ?",
        "C'est bien ta voix à la radio, ou est-ce que je rêve ?",
        "Pourquoi repasser un maillot de bain à quatre heures du matin ?",
        "Alors le voleur a tout rendu, et il a même laissé un petit mot ?",
        "La feuille hier encore mauve, est-ce une vache perdue qui l'a mangée ?",
        "Ils ont vendu la ferme, les moutons et le tracteur en un seul jour ?",
        "Se peut-il que le même hibou vive là-haut depuis vingt et un ans ?",
    ),
}
