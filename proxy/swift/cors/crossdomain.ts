/** /crossdomain.xml: the policy that older plug-ins (Flash, Silverlight) ask for before their programs may use another host. */
import type { Exchange, Response } from '#proxy/edge';

export function answerCrossdomain(exchange: Exchange, policy: string): Response | undefined {
  if (exchange.path !== '/crossdomain.xml' || exchange.method !== 'GET') return undefined;
  const body = `<?xml version="1.0"?>\n<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd" >\n<cross-domain-policy>\n${policy}\n</cross-domain-policy>`;
  return { status: 200, headers: { 'Content-Type': 'application/xml' }, body };
}
