/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of LDAP (ldap_server.c), and what they ask (ldap_search.c). Control thread. */
#ifndef APP_FEATURE_LDAP_LDAP_CLIENT_H
#define APP_FEATURE_LDAP_LDAP_CLIENT_H

#include "app/feature/ldap/ldap.h"
#include "base/addr.h"
#include "base/fair.h"
#include "base/tls/tls.h"
#include "sig/host/extension.h"

enum { LDAP_ANSWER_MAX = 256 << 10, LDAP_TENANT_MAX = 32, LDAP_NUMBER_MAX = 64 };

struct node;

struct ldap_client {
	struct ldap_client *next;
	struct node *node;
	int fd;               /* -1: it has gone while it was being answered */
	struct tls_link *tls; /* NULL: LDAP in plain */
	bool shakes;          /* the handshake of tls is under way */
	bool starts;          /* TLS, behind the answer that is on its way */
	bool searching, ends; /* ends: behind what is on its way */
	struct addr peer;
	struct fair_held held;
	uint64_t until_ns;
	char tenant[LDAP_TENANT_MAX],
		number[LDAP_NUMBER_MAX]; /* of the extension that it is bound as; "": none */
	struct digest_secret secret;     /* with which it was proven */
	uint8_t in[LDAP_MESSAGE_MAX];
	size_t in_n;
	struct writer out; /* p NULL: nothing is on its way; else LDAP_ANSWER_MAX octets */
	size_t sent;
};

/* ---- ldap_server.c ---- */

/* A search has written its answer to c->out. */
void ldap_client_answered(struct ldap_client *c);
/* TLS can be started in a connection of LDAP in plain. */
bool ldap_has_tls(void);

/* ---- ldap_search.c ---- */

/* Answers by c->out, or later: c->searching. False: the connection ends without an answer. */
bool ldap_client_request(struct ldap_client *c, struct bytes message);

#endif
