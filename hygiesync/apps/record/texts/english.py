"""The English text."""

LANGUAGE = "en"

MANNERS = {
    "calm": "calmly",
    "cheerful": "cheerfully, with a smile",
    "serious": "seriously",
    "surprised": "surprised, as a question",
}

SENTENCES = {
    "calm": (
        "A pale moon hung above the harbour while the last boats came home.",
        "My father keeps five warm blankets on a shelf in the old wooden box.",
        "We usually go for a walk through the park before we have our tea.",
        "Late in the play, the sergeant rushed up a tall ladder to take a snapshot.",
        "She saw half a yolk on the blue cloth and wiped it off with her thumb.",
        "Nobody knows who wove this rug, but the pattern is rather beautiful.",
        "On Thursday morning the fog was so thick that both bridges vanished.",
        "The girl curled up early, studying lyrics about a wide Welsh canyon.",
        "He measured the length of the garage twice and wrote both figures down.",
        "Our neighbour grows pears, plums and huge yellow apples behind his house.",
        "Rain fell on the hot railway station, so the large crowd stayed in the hall.",
        "The poor old engine coughed, shook itself and began to move again.",
    ),
    "cheerful": (
        "Good news, everybody: the whole choir is coming to my birthday party!",
        "What a joy to watch the puppies chase each other around the yard!",
        "Wait until you taste the ginger biscuits that Joyce has baked for you!",
        "The boys built a toy ship out of cheap pipes, and it really floats!",
        "I've never laughed so much as when the goat ate George's homework!",
        "Have a look: the cherry tree is full of singing birds this year!",
        "This ship serves fresh popcorn, shrimp and fish soup for breakfast!",
        "Hurray, we won by two points, and the crowd is going wild!",
        "Let's paint the kitchen bright orange and hang up some silly pictures!",
        "You should have heard them cheer when the clown fell over the sofa!",
        "Come on in, dear, the water is warm and the view is wonderful!",
    ),
    "serious": (
        "The court will decide on Wednesday whether the agreement is valid.",
        "Please fasten your belt, put down your phone and watch the road.",
        "Eight months of drought have emptied the wells and dried the fields in the north.",
        "A careful fellow would have noticed the error in the third chart.",
        "If the pressure falls below five bars, shut off the main pump at once.",
        "The museum returned the bronze head to the people it was stolen from.",
        "Few judges have had the courage to oppose such a powerful ruler.",
        "Both sides have confirmed that the peace talks ended without success.",
        "The law protects helpful action, even where it fails to reach its target.",
        "We must learn to measure twice, staying calm, and only then choose a cure.",
        "He pushed the steel wheel too far, and the cart crashed into a stone horse.",
    ),
    "surprised": (
        "Which kind of shirt suits a guitarist on a starry safari?",
        "Did she really say that the cook threw away our entire lunch?",
        "Who ate all the hay while the workhorse was on a leash at school?",
        "Who would pay a thousand pounds for a broken umbrella?",
        "Is that your own voice on the radio, or am I dreaming?",
        "Why would anyone iron a swimming suit at four in the morning?",
        "So the thief gave everything back, and even left a thank you note?",
        "Wasn't the royal jewel supposed to be in a vault beneath the Tower?",
        "They sold the farm, the sheep and the tractor in one single day?",
        "Could it be that the same owl has lived up there for twelve years?",
    ),
}
