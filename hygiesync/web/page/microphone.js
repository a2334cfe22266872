// The microphone: which one, and how loud.
import { word } from "./words.js";

/**
 * @param {string} deviceId of the device, the system's own where it is empty
 * @param {boolean} hasHeadphones with them nothing that the loudspeaker plays comes back
 * @param {(level: number) => void} showLevel 0 to 1, some times a second
 */
export async function openMicrophone(deviceId, hasHeadphones, showLevel) {
  if (!navigator.mediaDevices) throw new Error(word("needsHttps"));
  const processing = !hasHeadphones;
  const audio = { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing, channelCount: 1 };
  if (deviceId) audio.deviceId = { exact: deviceId };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const context = new AudioContext(), analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    showLevel(Math.min(1, 3 * Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length)));
  }, 60);
  return {
    stream,
    close() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      context.close();
    },
  };
}

export async function listMicrophones(select) {
  if (!navigator.mediaDevices) return;
  const chosen = select.value;
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "audioinput" && device.deviceId);
  select.replaceChildren(new Option(word("defaultDevice"), ""), ...devices.map((device, index) => new Option(device.label || `${index + 1}`, device.deviceId)));
  if (devices.some((device) => device.deviceId === chosen)) select.value = chosen;
}
