// SPDX-License-Identifier: Apache-2.0
// Ports that everybody knows by name, for filters where the machine's own services database is not at hand.

const PORTS: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  snmp: 161,
  ldap: 389,
  https: 443,
  submissions: 465,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  imaps: 993,
  mysql: 3306,
  postgresql: 5432,
  amqp: 5672,
  redis: 6379,
  'http-alt': 8080,
};

export function servicePort(name: string): number | undefined {
  return PORTS[name];
}
