/** Policies that everybody has without making them: those of AWS's own that speak of what is here, by their ARNs and in their meaning. */

const allow = (...actions: readonly string[]): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions.length === 1 ? actions[0] : actions, Resource: '*' }] });

const PREFIX = 'arn:aws:iam::aws:policy/';

/** Texts by name. */
const POLICIES: Readonly<Record<string, string>> = {
  AdministratorAccess: allow('*'),
  AmazonS3FullAccess: allow('s3:*'),
  AmazonS3ReadOnlyAccess: allow('s3:Get*', 's3:List*', 's3:Describe*'),
  IAMFullAccess: allow('iam:*'),
  IAMReadOnlyAccess: allow('iam:GenerateCredentialReport', 'iam:GenerateServiceLastAccessedDetails', 'iam:Get*', 'iam:List*', 'iam:SimulateCustomPolicy', 'iam:SimulatePrincipalPolicy'),
  PowerUserAccess: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' }, { Effect: 'Allow', Action: ['iam:ListRoles'], Resource: '*' }] }),
  ReadOnlyAccess: allow('s3:Get*', 's3:List*', 'iam:Get*', 'iam:List*', 'sts:GetCallerIdentity'),
};

export function managedText(arn: string): string | undefined {
  if (!arn.startsWith(PREFIX)) return undefined;
  const name = arn.slice(PREFIX.length);
  return Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
}

export function managedPolicies(): { name: string; arn: string }[] {
  return Object.keys(POLICIES).map((name) => ({ name, arn: PREFIX + name }));
}

/** The last part of a policy's ARN. */
export function policyName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
