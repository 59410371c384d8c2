import { writePage } from './build.js';

// Run by the build, after the compiler.
await writePage();
