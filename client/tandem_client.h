/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands for a tandem node through its Redis (docs/api.md), in C. Two files to copy, or
 * -ltandem_client; needs hiredis, and OpenSSL for Redis over TLS: without it compile with
 * -DTANDEM_CLIENT_WITHOUT_TLS.
 *
 *     struct tandem_client *c;
 *     char *answer;
 *
 *     if (!tandem_client_open(&c, "unix:/var/lib/tandem/redis/redis.sock", "default") &&
 *         !tandem_client_request(c, "call.list", "{\"limit\":10}", 5000, &answer)) {
 *             puts(answer);    {"ok":true,"result":[...]}, or {"ok":false,"error":{...}}
 *             free(answer);
 *     }
 *     tandem_client_close(c);
 *
 * A client has one command at a time and belongs to one thread.
 */
#ifndef CLIENT_TANDEM_CLIENT_H
#define CLIENT_TANDEM_CLIENT_H

struct tandem_client;

/*
 * url: as redis.url of the node, "unix:/path" or "redis://[[user]:password@]host[:port][/db]", user
 * and password %-encoded; with "rediss://" it is TLS, and the server's certificate must be for that
 * host. "sentinel://[[user]:password@]host[:port],.../primary[?sentinel=[user]:password]", with
 * "sentinels://" TLS: one of these Sentinels names the server, at each connection; both get the
 * same certificate. "redis+cluster://[[user]:password@]host[:port]", with "rediss+cluster://" TLS:
 * if the node has that, since keys have other names. tenant: "default", or "_operator". Nothing is
 * sent yet. 0, -EINVAL (url or tenant) or -ENOMEM.
 */
int tandem_client_open(struct tandem_client **out, const char *url, const char *tenant);
/* The same in another role than "admin", that of the Redis user: "reader" or "application".
 * -EINVAL: unknown role. */
int tandem_client_open_as(struct tandem_client **out, const char *url, const char *tenant,
			  const char *role);

/* For rediss:, before the first command; paths of PEM files, which are read at each connection. ca:
 * authorities for the server's certificate; NULL or "": the system's. certificate and key: the
 * client's own; NULL or "": none. -EINVAL: too long. */
int tandem_client_tls(struct tandem_client *c, const char *ca, const char *certificate,
		      const char *key);

/* The next command has that id: 1 to 63 letters, digits, '.', '_' or '-'. A command that was also
 * sent by another door of the node, or by a program that died since, has one effect if its id is
 * the same. By default each has an id of its own. -EINVAL: malformed. */
int tandem_client_next_id(struct tandem_client *c, const char *id);

/*
 * One command; args is a JSON object or NULL. A lost connection is opened again and the command
 * repeated under the same id, so that it has one effect. 0 with *answer (JSON, malloc'ed),
 * -EHOSTUNREACH (no Redis), -EACCES (it refuses us), -ENOENT (no node reads commands of that tenant
 * in that role: nothing was done), -ETIMEDOUT (no answer within wait_ms: the command may still have
 * been done) or -ENOMEM.
 */
int tandem_client_request(struct tandem_client *c, const char *command, const char *args,
			  unsigned wait_ms, char **answer);

/* Text of the last failure; never a password. */
const char *tandem_client_error(const struct tandem_client *c);

/* NULL is fine. */
void tandem_client_close(struct tandem_client *c);

#endif
