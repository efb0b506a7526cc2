/** Settings of buckets that are one word: who pays for requests, and acceleration. */
import { getConfiguration, putConfiguration, type Configuration } from '../bucket/configuration.ts';
import { malformed, parseXml } from '../xml/parse.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

function oneOf(root: string, name: string, words: readonly string[]): (body: Buffer) => string {
  return (body) => {
    const word = parseXml(body, root).textOf(name);
    if (word === undefined || !words.includes(word)) throw malformed();
    return word;
  };
}

const payment: Configuration = {
  setting: 'requestPayment',
  action: 'BucketRequestPayment',
  read: oneOf('RequestPaymentConfiguration', 'Payer', ['Requester', 'BucketOwner']),
  show: (text) => xmlDocument('RequestPaymentConfiguration', leaf('Payer', text ?? 'BucketOwner')),
};

const acceleration: Configuration = {
  setting: 'accelerate',
  action: 'AccelerateConfiguration',
  read: oneOf('AccelerateConfiguration', 'Status', ['Enabled', 'Suspended']),
  show: (text) => xmlDocument('AccelerateConfiguration', leaf('Status', text)),
};

export const getBucketRequestPayment = getConfiguration(payment);
export const putBucketRequestPayment = putConfiguration(payment);
export const getBucketAccelerateConfiguration = getConfiguration(acceleration);
export const putBucketAccelerateConfiguration = putConfiguration(acceleration);
