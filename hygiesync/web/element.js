// <hygiesync-avatar src="avatar/"></hygiesync-avatar>: an avatar as an element of a page.
import { Avatar } from "./avatar.js";

export class HygiesyncAvatar extends HTMLElement {
  static observedAttributes = ["src", "mark"];

  /** @type {Avatar | null} */
  avatar = null;

  connectedCallback() {
    if (!this.canvas) {
      this.canvas = document.createElement("canvas");
      Object.assign(this.canvas.style, { width: "100%", height: "100%", objectFit: "contain", display: "block" });
      this.attachShadow({ mode: "open" }).append(this.canvas);
    }
    this.#load();
  }

  disconnectedCallback() { this.#unload(); }

  attributeChangedCallback(name) {
    if (!this.isConnected || !this.canvas) return;
    if (name === "src") this.#load();
    else if (this.avatar) this.avatar.mark = this.getAttribute("mark") !== "off";
  }

  #unload() {
    this.avatar?.close();
    this.avatar = null;
  }

  async #load() {
    this.#unload();
    const src = this.getAttribute("src");
    if (!src) return;
    try {
      const onProgress = (share) => this.dispatchEvent(Object.assign(new Event("progress"), { share }));
      const avatar = await Avatar.load(src, { onProgress });
      if (src !== this.getAttribute("src") || !this.isConnected) { avatar.close(); return; }
      avatar.attach(this.canvas);
      avatar.mark = this.getAttribute("mark") !== "off";
      for (const name of ["frame", "end"]) avatar.on(name, ({ type, isTrusted, ...detail }) => this.dispatchEvent(Object.assign(new Event(type), detail)));
      avatar.on("error", ({ error }) => this.#fail(error));
      this.avatar = avatar;
      this.dispatchEvent(new Event("load"));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) { this.dispatchEvent(Object.assign(new Event("error"), { error })); }
}

customElements.define("hygiesync-avatar", HygiesyncAvatar);
