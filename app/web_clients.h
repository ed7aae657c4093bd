/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected to the web listener, whatever it speaks, and who may be: so many at once, so many of one address, and of one address
 * so many TLS handshakes a second. Web thread.
 */
#ifndef APP_WEB_CLIENTS_H
#define APP_WEB_CLIENTS_H

#include "app/web.h"

struct web_client;
struct web_clients;

void web_clients_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int web_clients_open(struct web_clients **out, const struct web_settings *settings) NODISCARD;
void web_clients_close(struct web_clients *c); /* NULL is fine */
uint32_t web_clients_max(const struct web_clients *c);

/* A connection before its first octet. False: it is one too many, and counted as such. */
bool web_clients_admit(struct web_clients *c, int fd, uint64_t now_ns);
/* One that was admitted; a client until it is removed. NULL: there is no room. */
struct web_client *web_clients_add(struct web_clients *c, int fd);
void web_clients_remove(struct web_clients *c, struct web_client *client);

/* Where a connection comes from. 0 or -errno. */
int web_clients_peer(int fd, struct addr *out) NODISCARD;

#endif
