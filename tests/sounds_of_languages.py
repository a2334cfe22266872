"""What espeak says in each language: its phonemes, and pairs of mouth shapes that follow each other in words.

Found in 12,000 words a language, drawn at random from Debian's word lists (wamerican, wfrench, wngerman, wspanish 1.0):
the phonemes that are at least one in 10,000, and the pairs that are at least one in 5,000, the most frequent first. A
pair is written with the first letter of each viseme in the table of `hygiesync.tts.visemes`; `_` is rest. What only
English words in French sentences have is left out.
"""

PHONEMES = {
    "en": (
        "ɪ t s ə n ɹ k l d z p m a ɛ b ŋ eɪ i ɒ f ʌ aɪ əʊ ɡ ʃ v uː iː əl w ɔː dʒ j h ɐ ɜː tʃ ɑː aʊ iə θ ʊ ɔɪ eə "
        "aɪə ʊə ð ʒ"
    ),
    "fr": ("ʁ a e i t s ɛ l z k j d p n m o ɔ̃ ɑ̃ y b f ɔ ə v ɡ ʒ u ʃ ɛ̃ w ø œ ɲ ə- œ̃"),
    "de": ("ə n t s ɾ l ɛ a ɪ f d ɡ m r k b ʃ ɜ iː p ʊ ts aɪ eː z v oː ç ɔ ɑː ŋ h aʊ uː ʏ yː ɑ x ɛː ɔø j øː œ ʊɐ pf"),
    "es": ("a o e ɾ i n t s k ð l m β p θ u j ɣ f r x d ʎ ɛ tʃ w b ɲ ŋ ɡ ʝ aʊ aɪ eɪ eʊ oɪ"),
}
"""IPA as espeak writes it, without stress; by language."""

VISEME_PAIRS = {
    "en": (
        "ɪt tɪ ɪk ət st tt ts ɪs tə eɪ əs tʃ aɪ pə əl sɪ sp əʊ ɹɪ əɹ ɪp kə sk pɪ ʃə ɛt tɹ tp ks at əp lɪ kt pa ɹə "
        "ta li ɪf ɐt ɹa ti kɹ ʊt ɪl pɹ ɹi lə it kk i_ fə sə la ɪʃ ss ak ɛk lt pp tɛ is tf pl tk ka ʃɪ ɐp ɒt ju ls "
        "kl aʊ ap te ps fɪ kɪ sɛ tl sa sɐ iə kp pɛ tɐ ɒp ut fa ip ɹe pt ək ɔt ɹɛ sf pɐ ɒk ɪ_ ɐk ʊl sɹ sl kɒ kɐ ʊs "
        "_ə si tɒ pi ke kw pɒ le _ɪ ɛp ɛs ɹɐ as pe ik tj ɜt ɑt al ʊp fl sw up wɪ ɛl əf ɐl lp ɒl ɹɒ ha th jʊ ɪə pɔ "
        "lɛ sh tɔ ɔɪ ɐs tw ɹu eə us lɐ ʊk lɒ if ʃa ʊə kj pj ft pɑ pɜ fɛ ʃi fɹ lk ki ɒs kɔ il kf ʃt ʊf ɐf lf lu we "
        "ʃɛ aɹ se fɔ ʃu hɛ kɑ fs s_ ɑp fe sɒ tɜ _e af fɜ kʃ ɜp ɛɹ _ɛ ɔp _a ɔk ɔɹ ɔs fi ɑk ɪɹ wa kh wɒ sɔ wɔ _ɐ ɔl "
        "ʃp ɪɪ ɛf uə θə kɛ sɜ tɑ ʃɐ ɜk aʃ sʃ ɜs ɐɹ fɒ ʃe wi hə ul lɔ fɐ tθ wɛ tu ɒf t_ iɹ pu əh wɜ ɹɔ uf pk pʊ su "
        "fj ɒɹ k_ hɒ hɐ ʃɔ ih lɹ hɔ _ɒ ɪθ pf sj ku əw ɛʃ hɪ əʃ hɑ kɜ wə uk uʃ θi ʊʃ lh wʊ θɪ ɜf fp ɪh lw ʊɪ θs ɜl "
        "ɑs θɹ uɪ sθ ɜθ jə sɑ lɑ iw ʃk iʃ ue _t ʃɒ _p lɜ ʃɹ pʃ he ɪw hi ɑɹ _ɹ iθ ʃɜ ll ɔθ ʃs lj ɹɑ ʃʊ ph lʃ ə_ ɐʃ"
    ),
    "fr": (
        "ka te as ɛk is tk ek ak ta ti at ke kɛ kɔ ap et it ɔt kk ɛt sa jɔ pa ep ki ik sj es je kt ɔk ək st li pk "
        "se ɑt al sɛ tɛ sk pi kə ɛs ko ɔs ot la kj si ɔp ks if sɑ kp yk pl ef ok fi ip pe af ɛp pɛ ja ɑp ty tj po "
        "sp pɑ kɑ ky aʃ tɑ kl op pɔ sy to fa tɔ fk ʃa ɑs wa fɛ ol py lɛ ɑk il sɔ le tə eʃ pu yl aj jɛ ku el yp lk "
        "os fj yt lo ɛl ts uk əp ʃe ʃi so ɔf ʃk ij tt kʃ tp ʃɛ ət ys øk ɛf fl ea ɑʃ ps pt ly ut oʃ ss fɔ lt lɑ kf "
        "fe sə fo ɑf jo yi lɔ sf of ɔl pj iʃ eɛ jk əf ɛj us ʃɑ pə su ul ee lə tu pw ɛʃ tø lp uf kw fɑ eɑ tw fy ɔʃ "
        "ʃy lj ls uj up e_ øs tf _a yʃ fu ʃo əs ʃə əl uʃ tʃ fw tl jɑ _e pp ʃɔ ya sl i_ kø ɔ_ lw lf wɛ ɛ_ jj ʃt ʃj "
        "aa fə ae ʃw sʃ eo pf lø s_ yf sø aɛ ft aɑ ei lu ie _ɛ øt _k _o əʃ ɔe a_ jø ʃø t_ wi iɔ _p _t yɛ ʃs ʃp sw "
        "pø k_ eɔ fp ɑe jt _ɔ fø _i ai ɑl wk ɑa ɔa jə _ɑ yɑ øj"
    ),
    "de": (
        "ət tə tt ts st kə t_ aɪ ɪt _a əs ɛɹ ɪs pə tɜ ɹt əp at sə fɛ s_ aʊ ə_ ɹə ɛt ɹa tɹ tɪ tf lt ʊk ɪk ta tk kt "
        "tp ʃt ʊt iɹ ap pa əɹ əl tɛ ti ks ɜ_ lɪ ak ɜt _ʊ it pɹ _p ɛk _f fa p_ ʊs su ot la ɛs sf _ɛ sk ɹp ɹɛ tʃ _k "
        "sp _t ɹɪ al ɑɹ pt kɹ pɑ eɹ si tʊ ɹk ɛl əf pf pɛ aɹ ʊp ɪʃ tl sa lə te ʃp ft sɛ ɔø ɑt ka ep ʊf kl əʃ fɪ ha "
        "sɪ ɔɹ pl fə ke ɹʊ pɪ li pp ʃə pɜ th kɔ ss ɪl pi hɛ ɹi _ʃ ɹɑ fɔ ɑk et ək kɛ oɹ ɹf tɑ kk yp fi tɔ ɪp ɹs ɹy "
        "lɛ k_ as ɜp yk ek is ɑp po ɹʃ ɹo ɔt ɹe ps le ɜk fl fo ʃl ʃa pk ɜf if fɹ ɹɔ kɜ ɔl af yt ɔp pe fe ɑl ls to "
        "ɜs pʊ ok kʊ sɜ ʊɐ lʊ os øt sl ɛp op lɑ lp sj kf _s yɹ fɜ uɹ lo _ɪ ys _y jo kp ik sʃ ip pɔ _h əh fy hɪ ty "
        "ɹɜ ut pʃ ɪf uk fɑ lk kɪ sɔ sh ʃf il ɔk ol _ɹ se ɹ_ sʊ ɹl lɔ ef kɑ tu øɹ ɜh ɜʃ ɪɹ ɪ_ øs _l ʃɹ ɔs sɑ ul fʊ "
        "up sɹ sy øk ɐs es py _o ɜl ʊl ɛʃ ho lɜ fs us so el ly ko _ɔ ɹh fk lf kʃ ɛf _e øp eə uf pu ʃʊ ɜɹ ki ɑs tø "
        "ʃɪ _ɑ uʃ ʃi fp l_ ea yl ɹu ky ph ku ʃɛ hɔ fø ʃɜ lʃ hø øf ɹø ɑf ff lø øl pø ia of øɜ _i fʃ ɛɪ ʊʃ aʃ lu ʃ_ "
        "he ɔf ʃs ʊɜ kø ɪə iə kh f_ ʃy yf _j ɹɹ ʊə øə hɑ ɐt lh"
    ),
    "es": (
        "at ta aθ aɹ te ot ɹa ka et tt to it eɹ ti ap oɹ ko ak θa θo θe pa es ɹe al la pe ɹo ik op ek ok ɹi tɹ po "
        "st os iθ sa ɹt ep le jo eθ θi θj as ja is il ol pi pp li lo el oθ aa tʃ ɛt ip ea so ɹk se ke sk oa ut ki "
        "ɹp sp pɹ si uɹ tu ku ae ɹθ kɹ tk i_ oe pj ɹj tθ _a ts ul jɛ kk iɹ af pu tl lt tj fi kw ɹs wa eo ɹu θu fa "
        "uθ ʃa up kt of we lk fe oi ai if uk su fo je us pl ks lp ee fɹ lu ef ao lθ θɹ tf kl ʃi tp tw ɹl aʊ oo ʃo "
        "pt ʃe sj aɪ a_ ɹf ɹɹ sθ fu o_ kj eɪ lj fl tɛ ei _o ɪt lf _e sf ue au ʃu θk ls sl θɛ θt ɪθ θw fj kθ ʊt eʊ "
        "wi sw _ɛ pw ɹ_ e_ uf _k ʊθ θp ɪk _p pf t_ ɹɛ lɛ pθ _t lɹ ss ʊɹ oɪ"
    ),
}
"""Two letters each, by language."""
