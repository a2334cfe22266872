"""The Spanish text."""

LANGUAGE = "es"

MANNERS = {
    "calm": "con calma",
    "cheerful": "con alegría, sonriendo",
    "serious": "con seriedad",
    "surprised": "con sorpresa, como pregunta",
}

SENTENCES = {
    "calm": (
        "Una luna pálida colgaba sobre el puerto mientras volvían los últimos barcos.",
        "Hizo una pausa, mezcló la lechuga y bailó con el perro suelto.",
        "Solemos caminar por el parque hasta el molino antes de tomar el café.",
        "Entre el viento y la lluvia, veinte chicos cenaron en el centro una cazuela lenta.",
        "Ella dejó la taza azul en el estante y cerró la puerta sin ruido.",
        "El jueves la niebla era tan espesa que los dos puentes desaparecieron.",
        "Deja la ventana abierta si quieres oír la lluvia en el tejado.",
        "Midió a diario el largo del garaje y apuntó ambas cifras.",
        "Nuestro vecino cultiva peras, ciruelas y manzanas detrás de su casa.",
        "Se tarda una hora a pie hasta el pueblo, y algo menos en bicicleta.",
        "El viejo motor tosió, tembló un poco y volvió a funcionar.",
        "Hay un buey en el huerto, junto al río, que bebe agua con menta.",
    ),
    "cheerful": (
        "¡Buenas noticias: todo el coro viene a cantar en mi cumpleaños!",
        "¡Qué alegría ver a los cachorros jugar en la hierba!",
        "¡Entra y verás qué galletas ha hecho mi abuela!",
        "¡Los niños han hecho un barco de papel, y flota de verdad!",
        "¡Nunca me reí tanto como el día en que la cabra se comió mis deberes!",
        "¡Mira este álbum familiar, lleno de pájaros que silban!",
        "¡Gracias por el consejo: en julio empiezo mi nuevo trabajo!",
        "¡Bravo, ganamos por dos puntos, y el público está feliz!",
        "¡Pintemos la cocina de naranja y colguemos cuadros divertidos!",
        "¡Qué bueno leer rápido otra vez para la gente un mensaje al aire libre!",
        "¡El payaso se cayó del sofá y todo el mundo aplaudió!",
    ),
    "serious": (
        "El tribunal decidirá el miércoles si el acuerdo es válido.",
        "Abróchese el cinturón, guarde el teléfono y mire a la carretera.",
        "La dirección prefiere la opción de cooperar antes que pagar renta de continuo.",
        "Un observador atento habría notado el error en la tercera tabla.",
        "Si la presión baja de cinco bares, cierre enseguida la bomba principal.",
        "El museo devolvió la escultura al pueblo al que se la robaron.",
        "El séptimo autor leyó el perfil de un enfermo fiel y satisfecho.",
        "Las conversaciones de paz terminaron en Europa sin ningún éxito.",
        "Nuestro informe muestra adónde fue el dinero y por qué nadie preguntó.",
        "Primero hay que medir, luego pensar con cuidado, y solo al final elegir.",
        "El fuego avanzó deprisa, pero sacaron ilesos a todos los niños.",
    ),
    "surprised": (
        "¿Quieres decir que el guía vino a pie desde Bilbao hasta aquí?",
        "¿De verdad ha tirado ella toda nuestra comida a la basura?",
        "¿Cómo pudo entrar un oso en un baño cerrado con llave?",
        "¿Quién pagaría mil euros por un paraguas roto?",
        "¿Es tu propia voz la de la radio, o estoy soñando?",
        "¿Por qué planchar un bañador a las cuatro de la mañana?",
        "¿Entonces el ladrón lo devolvió todo y dejó hasta una nota?",
        "¿Quién va a inaugurar el enchufe de la reina con una traición perfecta?",
        "¿Vendieron la granja, las ovejas y el tractor en un solo día?",
        "¿Será que el mismo búho vive ahí arriba desde hace doce años?",
    ),
}
