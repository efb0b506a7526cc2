import { listingEngineContract } from '../listing-engine.contract.ts';
import { MemoryListingEngine } from './memory.ts';

listingEngineContract('the memory model', async () => ({ engine: new MemoryListingEngine(), [Symbol.asyncDispose]: async () => {} }));
