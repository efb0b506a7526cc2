/** The parts of HTTP that both servers and both dialects use. */
export * from './conditional.ts';
export * from './listen.ts';
export * from './path.ts';
export * from './range.ts';
