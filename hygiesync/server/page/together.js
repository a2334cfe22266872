// Keeps pictures and sound together. Browsers let 30 ms of difference stand, and how long sound waits in them changes with
// the network and the machine. Their statistics tell of both which moment of the server's is played now; what pictures are
// ahead by, they wait.
const EVERY_MS = 500;
const SHARE = 0.5; // of a difference that is mended at once: the browser's buffers answer slowly
const FIRST_MS = 60, LONGEST_MS = 300;

// hasSound(): whether the sound is played; pictures alone need not wait. Gives back what ends it.
export function keepTogether(peer, hasSound) {
  const pictures = peer.getReceivers().find((receiver) => receiver.track.kind === "video");
  if (!pictures || !("jitterBufferTarget" in pictures)) return () => {};
  let wait = pictures.jitterBufferTarget = FIRST_MS;
  const timer = setInterval(async () => {
    const played = await momentsPlayed(peer);
    if (hasSound() && !(played.audio && played.video)) return;
    wait = hasSound() ? Math.max(0, Math.min(LONGEST_MS, wait + SHARE * (played.video - played.audio))) : 0;
    pictures.jitterBufferTarget = wait;
  }, EVERY_MS);
  return () => clearInterval(timer);
}

// Of sound and pictures, milliseconds of the server's clock.
export async function momentsPlayed(peer) {
  const moments = {};
  for (const one of (await peer.getStats()).values()) {
    if (one.type === "inbound-rtp" && one.estimatedPlayoutTimestamp) moments[one.kind] = one.estimatedPlayoutTimestamp;
  }
  return moments;
}
