// A conversation with the server: a session, its events, and its media by WebRTC or, where that can't pass, a WebSocket.
import { ask, json, openSocket, wishes } from "/page/server.js";
import { SocketMedia } from "/page/socket.js";
import { keepTogether } from "/page/together.js";

const WEBRTC_PATIENCE_MS = 15000;
const LONGEST_WAIT_S = 15;

export class Connection {
  // tell(state, seconds): connecting, ready, busy, lost; event(message): what the server says.
  constructor(parts, tell, event) {
    Object.assign(this, parts); // video, canvas, context
    this.tell = tell;
    this.event = event;
    this.generation = 0;
    this.pictures = 0;
    this.track = null;
    this.isMuted = false;
    this.endKeeping = () => {};
    const count = () => { this.pictures += 1; this.video.requestVideoFrameCallback(count); };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(count);
  }

  async connect(avatar, mark) {
    this.avatar = avatar;
    this.mark = mark;
    const generation = ++this.generation;
    this.release();
    for (let tried = 0; generation === this.generation; tried++) {
      this.tell("connecting");
      let wait = Math.min(LONGEST_WAIT_S, 2 ** tried);
      let state = "lost";
      try {
        await this.begin(generation);
        tried = -1;
        if (generation !== this.generation) return;
        this.tell("ready");
        await this.closed;
        wait = 1;
      } catch (error) {
        if (error.status === 503) { state = "busy"; wait = error.retryAfter || 5; }
        else if (error.status === 401) { this.tell("noToken"); return; }
      }
      if (generation !== this.generation) return;
      this.release();
      for (let left = Math.ceil(wait); left > 0 && generation === this.generation; left--) {
        this.tell(state, left);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  async begin(generation) {
    const body = { avatar: this.avatar, mark: this.mark };
    if (wishes.has("lookahead_ms")) body.lookahead_ms = Number(wishes.get("lookahead_ms"));
    this.session = await json("POST", "/sessions", body);
    if (generation !== this.generation) { json("DELETE", `/sessions/${this.session.id}`).catch(() => {}); return; }
    const socket = this.socket = openSocket({ session: this.session.id });
    this.closed = new Promise((resolve) => { socket.onclose = resolve; });
    await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = () => reject(new Error("socket")); });
    socket.onmessage = (event) => this.event(JSON.parse(event.data));
    const hasWebRtc = window.RTCPeerConnection && wishes.get("transport") !== "socket";
    if (!hasWebRtc || !(await this.connectPeer().catch(() => false))) await this.connectSocket();
    this.applySound();
    this.send({ type: "mute", value: this.isMuted });
  }

  async connectPeer() {
    const peer = this.peer = new RTCPeerConnection({ iceServers: this.session.ice_servers, bundlePolicy: "max-bundle" });
    const stream = new MediaStream();
    peer.ontrack = (event) => {
      stream.addTrack(event.track);
      if (event.track.kind === "audio" && "jitterBufferTarget" in event.receiver) event.receiver.jitterBufferTarget = 0;
      this.video.srcObject = stream;
    };
    this.microphone = peer.addTransceiver(this.track || "audio", { direction: "sendrecv" });
    peer.addTransceiver("video", { direction: "recvonly" });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const answer = await json("POST", `/sessions/${this.session.id}/offer`, { type: "offer", sdp: peer.localDescription.sdp });
    await peer.setRemoteDescription(answer);
    const isConnected = await new Promise((resolve) => {
      setTimeout(() => resolve(false), WEBRTC_PATIENCE_MS);
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === "connected") resolve(true);
        if (["failed", "closed"].includes(peer.connectionState)) { resolve(false); if (this.socket) this.socket.close(); }
      };
      if (peer.connectionState === "connected") resolve(true);
    });
    if (!isConnected) { peer.onconnectionstatechange = null; peer.close(); this.peer = null; return false; }
    this.endKeeping = keepTogether(peer, () => this.hasSound);
    this.way = "WebRTC";
    this.video.hidden = false;
    this.canvas.hidden = true;
    return true;
  }

  async connectSocket() {
    await this.context.resume().catch(() => {});
    this.media = new SocketMedia(this.session.id, this.canvas, this.context);
    this.media.onpicture = () => { this.pictures += 1; };
    this.way = "WebSocket";
    this.video.hidden = true;
    this.canvas.hidden = false;
  }

  // What the microphone hears goes up; null: nothing.
  async hear(microphone) {
    this.track = microphone && microphone.track;
    if (this.peer) await this.microphone.sender.replaceTrack(this.track);
    if (microphone && this.media) await microphone.record((samples) => this.media && this.media.send(samples));
  }

  push(samples) { this.socket.send(samples); }
  send(message) { if (this.socket && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message)); }
  mute(value) { this.isMuted = value; this.send({ type: "mute", value }); }

  playSound(value) { this.hasSound = value; this.applySound(); }
  applySound() { this.video.muted = !this.hasSound; if (this.media) this.media.muted = !this.hasSound; this.video.play().catch(() => {}); }

  // A page that is closed or loaded anew gives its place to the next one at once.
  leave() {
    if (this.session) ask("DELETE", `/sessions/${this.session.id}`, undefined, { keepalive: true }).catch(() => {});
  }

  release() {
    if (this.peer) { this.endKeeping(); this.peer.onconnectionstatechange = null; this.peer.close(); this.peer = null; }
    if (this.media) { this.media.close(); this.media = null; }
    if (this.socket) { this.socket.onclose = null; this.socket.close(); this.socket = null; }
    if (this.session) { json("DELETE", `/sessions/${this.session.id}`).catch(() => {}); this.session = null; }
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, 2000);
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
  });
}
