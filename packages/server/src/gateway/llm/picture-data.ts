/** What the providers we know read as pictures and nothing else; an SVG is text. */
const TYPE = /^image\/(?:png|jpe?g|gif|webp)$/;
const URL_HEAD = /^data:(image\/[a-z]{3,4});base64,/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** True of base64 and nothing else: whole groups of four, without spaces, and at least one. */
export function isBase64(data: string): boolean {
  return data.length % 4 === 0 && BASE64.test(data);
}

/** How many bytes of a request are a picture, which is counted by its size (LLM-6): all of its base64, or none if it is not strictly
 *  that, or of another type. Each character stands in the request as one byte at least. */
export function pictureBytes(type: string, data: string): number {
  return TYPE.test(type) && isBase64(data) ? data.length : 0;
}

/** The same of a `data:` address; of any other none. */
export function pictureBytesOf(url: string): number {
  const [head = '', type = ''] = URL_HEAD.exec(url) ?? [];
  return head === '' ? 0 : pictureBytes(type, url.slice(head.length));
}
