export { Avatar } from "./avatar.js";
export { HygiesyncAvatar } from "./element.js";
