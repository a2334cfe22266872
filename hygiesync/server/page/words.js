// What the page says, in the languages that it speaks.
const WORDS = {
  en: {
    skip: "To the avatar", pageLanguage: "Language of this page", avatar: "The avatar", controls: "Controls",
    talk: "Talk", stopTalking: "Stop talking", interrupt: "Interrupt", mute: "Mute", fullScreen: "Full screen",
    level: "Level", chooseAvatar: "Choose an avatar", options: "Options", microphone: "Microphone",
    headphones: "I wear headphones (no echo cancelling)", playSound: "Play the sound with the picture",
    showMark: "Mark the picture as synthetic", showNumbers: "Show latency and pictures a second",
    sayTitle: "Let it say a text", text: "Text", language: "Language", voice: "Voice", plainVoice: "plain",
    sayLive: "Say it now", renderVideo: "Make a video", fileTitle: "Let it say a sound file",
    dropSound: "Sound file; you may drop it here", photoTitle: "An avatar from a picture",
    photoHint: "One face that looks towards the camera, evenly lit. It takes some seconds.",
    picture: "Picture; you may drop it here", name: "Name",
    consent: "The person shown agrees to this avatar being made", makeAvatar: "Make the avatar",
    trainTitle: "An avatar from a video", trainHint: "Five minutes of one person who speaks: frontal, evenly lit, with clear sound and nothing before the mouth, and twenty seconds of sitting still and silent. It takes some minutes.",
    video: "Video; you may drop it here", preset: "How long to train", fast: "fast", balanced: "balanced", best: "best",
    trainAvatar: "Upload and train", uploading: "Uploading", synthetic: "What you see is synthetic media.",
    forPrograms: "For programs: the interface, with examples",
    connecting: "Connecting ...", ready: "Ready", listening: "Listening", speaking: "Speaking",
    busy: "All sessions are taken. Trying again in {0} s.", lost: "The connection was lost. Trying again in {0} s.",
    noToken: "Open the whole address that the server printed: its end holds the token.",
    noMicrophone: "No microphone: {0}", needsTls: "Browsers give microphones to pages by HTTPS only, or on the same machine. Start the server with --tls-self-signed.",
    failed: "Not done: {0}", queued: "waiting", running: "at work", done: "done", lostJob: "lost", failedJob: "failed",
    download: "Download", remove: "Remove", report: "Report of the training", defaultDevice: "Default",
    loading: "Loading: {0} %", record: "Record", stopRecording: "Stop recording", webNumbers: "{0} pictures/s\n{1} ms each\n{2} ms behind",
    needsHttps: "Browsers give microphones to pages by HTTPS only, or on the same machine.",
    nothingLeaves: "It is computed in this browser: no sound and no picture leaves this device.",
    muted: "Muted", numbers: "{0} pictures/s\nserver {1} ms\nnetwork {2} ms\n{3}", openSound: "Press any key or button for sound.",
  },
  fr: {
    skip: "Vers l'avatar", pageLanguage: "Langue de cette page", avatar: "L'avatar", controls: "Commandes",
    talk: "Parler", stopTalking: "Arrêter", interrupt: "Interrompre", mute: "Couper le son", fullScreen: "Plein écran",
    level: "Niveau", chooseAvatar: "Choisir un avatar", options: "Options", microphone: "Microphone",
    headphones: "Je porte un casque (sans annulation d'écho)", playSound: "Jouer le son avec l'image",
    showMark: "Marquer l'image comme synthétique", showNumbers: "Afficher la latence et les images par seconde",
    sayTitle: "Lui faire dire un texte", text: "Texte", language: "Langue", voice: "Voix", plainVoice: "simple",
    sayLive: "Dire maintenant", renderVideo: "Faire une vidéo", fileTitle: "Lui faire dire un fichier son",
    dropSound: "Fichier son ; vous pouvez le déposer ici", photoTitle: "Un avatar à partir d'une image",
    photoHint: "Un visage tourné vers l'appareil, éclairé également. Cela prend quelques secondes.",
    picture: "Image ; vous pouvez la déposer ici", name: "Nom",
    consent: "La personne montrée consent à la création de cet avatar", makeAvatar: "Créer l'avatar",
    trainTitle: "Un avatar à partir d'une vidéo", trainHint: "Cinq minutes d'une personne qui parle : de face, éclairée également, avec un son clair et rien devant la bouche, et vingt secondes immobile et en silence. Cela prend quelques minutes.",
    video: "Vidéo ; vous pouvez la déposer ici", preset: "Durée de l'apprentissage", fast: "rapide", balanced: "équilibrée", best: "la meilleure",
    trainAvatar: "Envoyer et entraîner", uploading: "Envoi", synthetic: "Ce que vous voyez est un média synthétique.",
    forPrograms: "Pour les programmes : l'interface, avec des exemples",
    connecting: "Connexion ...", ready: "Prêt", listening: "À l'écoute", speaking: "Parle",
    busy: "Toutes les sessions sont prises. Nouvel essai dans {0} s.", lost: "La connexion est perdue. Nouvel essai dans {0} s.",
    noToken: "Ouvrez l'adresse entière que le serveur a affichée : sa fin contient le jeton.",
    noMicrophone: "Pas de microphone : {0}", needsTls: "Les navigateurs ne donnent le microphone qu'aux pages en HTTPS, ou de la même machine. Lancez le serveur avec --tls-self-signed.",
    failed: "Échec : {0}", queued: "en attente", running: "en cours", done: "fait", lostJob: "perdu", failedJob: "échec",
    download: "Télécharger", remove: "Supprimer", report: "Rapport de l'apprentissage", defaultDevice: "Par défaut",
    loading: "Chargement : {0} %", record: "Enregistrer", stopRecording: "Arrêter l'enregistrement", webNumbers: "{0} images/s\n{1} ms chacune\n{2} ms de retard",
    needsHttps: "Les navigateurs ne donnent le microphone qu'aux pages en HTTPS, ou de la même machine.",
    nothingLeaves: "Tout est calculé dans ce navigateur : ni son ni image ne quittent cet appareil.",
    muted: "Muet", numbers: "{0} images/s\nserveur {1} ms\nréseau {2} ms\n{3}", openSound: "Appuyez sur une touche ou un bouton pour le son.",
  },
};

const wanted = localStorage.getItem("language") || navigator.language.slice(0, 2);
let language = wanted in WORDS ? wanted : "en";

export function word(key, ...values) {
  return values.reduce((text, value, index) => text.replace(`{${index}}`, value), WORDS[language][key]);
}

export function currentLanguage() { return language; }

export function setLanguage(name) {
  language = name;
  localStorage.setItem("language", name);
  translate();
}

export function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
}
