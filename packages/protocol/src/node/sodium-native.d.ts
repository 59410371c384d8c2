/** The package comes without types. */
declare module 'sodium-native' {
  const sodium: import('./sodium.js').Sodium;
  // biome-ignore lint/style/noDefaultExport: that is what a CommonJS package looks like
  export default sodium;
}
