import { listingEngineContract } from '../listing-engine.contract.ts';
import { listingReplicaContract } from '../listing-replica.contract.ts';
import { MemoryListingEngine } from './memory.ts';

listingEngineContract('the memory model', async () => ({ engine: new MemoryListingEngine(), [Symbol.asyncDispose]: async () => {} }));

listingReplicaContract('the memory model', async () => ({ engine: new MemoryListingEngine(), [Symbol.asyncDispose]: async () => {} }));
