/** How an avatar is loaded. */
export interface LoadOptions {
  /** How far ahead the network may hear, ms: less is earlier and less exact. What the avatar was trained for when left out. */
  lookaheadMs?: number;
  /** How far the mouth goes from rest, 0 to 2; 1 is as the person does. */
  expressiveness?: number;
  /** Told how much of the avatar is there, 0 to 1. */
  onProgress?: (share: number) => void;
}

export interface PushOptions {
  /** Of the samples, Hz: 4000 to 384000; 16000 when left out. The same until `flush` or `interrupt`. */
  sampleRate?: number;
  /** Whether the sound is played with the pictures; true when left out. */
  isPlayed?: boolean;
}

export interface RenderOptions {
  sampleRate?: number;
  /** Pictures a second, such as "25" or "30000/1001"; the avatar's own when left out. */
  fps?: string | number;
  /** Pictures that may wait for those after them, so that mouths follow each other smoothly; 16 when left out. */
  lag?: number;
}

/** One picture of a rendering. */
export interface RenderedPicture {
  /** When it is shown, seconds from the first sample. */
  time: number;
  /** Number of the mouth in the avatar's atlas. */
  picture: number;
  /** Coefficients of the mouth, in standard deviations. */
  mouth: Float64Array;
  /** RGBA, upper row first; to be asked for before the next picture is. */
  pixels(): Uint8Array;
}

/** A picture was drawn. */
export interface FrameEvent extends Event {
  /** Seconds since the avatar was loaded. */
  time: number;
  /** Seconds of the sound that the mouth belongs to; null where nothing is said. */
  soundTime: number | null;
  /** Seconds since the microphone's sound of that moment came in; null where no microphone is heard. */
  behind: number | null;
  picture: number;
  mouth: Float64Array;
  /** How long the page's thread took to choose the mouth, ms. */
  choosingMs: number;
  /** How long it was busy with the picture, ms, drawing commands included. */
  computingMs: number;
}

/** Something failed; the message says what to do. */
export interface FailureEvent extends Event {
  error: Error;
}

export interface AvatarEvents {
  frame: FrameEvent;
  /** A sound that was flushed is over, or was interrupted. */
  end: Event;
  error: FailureEvent;
}

/** An avatar that speaks in this page. Everything is computed here: no sound and no picture leaves the device. */
export class Avatar extends EventTarget {
  /** Load the pictures of the folder `avatar/` of an export, and its network after the first one; every file's sha256 is
   * checked. */
  static load(url: string | URL, options?: LoadOptions): Promise<Avatar>;
  private constructor();
  readonly name: string;
  /** Whether the person shown agreed: "stated" or "not stated". */
  readonly consent: string;
  /** Of the pictures, pixels. */
  readonly size: { width: number; height: number };
  /** Seconds that a picture is behind the sound of its moment at least. */
  readonly latency: number;
  /** Seconds of the samples that were pushed and have not been said yet: whoever has many pushes them bit by bit. */
  readonly ahead: number;
  /** Whether a sound is being said. */
  readonly isSpeaking: boolean;
  /** Pictures drawn so far. */
  readonly nFrames: number;
  /** Whether the pictures carry the word SYNTHETIC; true until it is set. */
  set mark(isMarked: boolean);
  /**
   * Kept once the network is open, too. It is opened after the first picture, or when a sound first needs it: what is said
   * before that is heard late.
   */
  ready(): Promise<void>;
  /** Draw onto a canvas from now on. Fails where the browser has no WebGL 2 or no WebCodecs. */
  attach(canvas: HTMLCanvasElement): void;
  detach(): void;
  /** Say what a stream hears, until `interrupt`, `push` or another stream. */
  listen(stream: MediaStream): Promise<void>;
  /**
   * Say some samples, -1 to 1, after those before; kept once their mouths are known. Where no more come, call `flush`:
   * until then the mouth waits as it is.
   */
  push(samples: Float32Array, options?: PushOptions): Promise<void>;
  /** The sound ends here; kept when it has been said, or was interrupted. */
  flush(): Promise<unknown>;
  /** Fall silent at once; the mouth goes to rest within a tenth of a second. */
  interrupt(): void;
  on<Name extends keyof AvatarEvents>(name: Name, listener: (event: AvatarEvents[Name]) => void): this;
  /** Picture, mark and sound, to be recorded or sent. */
  captureStream(fps?: number): MediaStream;
  /** Every picture of a whole sound at its exact time, drawn one by one onto the attached canvas. */
  render(samples: Float32Array, options?: RenderOptions): AsyncGenerator<RenderedPicture>;
  /** Let go of everything. */
  close(): Promise<void>;
}

/** `<hygiesync-avatar src="avatar/" mark="on">`; fires load, progress, frame, end and error. */
export class HygiesyncAvatar extends HTMLElement {
  /** Null until `load`. */
  avatar: Avatar | null;
}
