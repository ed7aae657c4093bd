/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of listeners and of outgoing connections, over OpenSSL on non-blocking sockets: 1.2 and
 * newer, without renegotiation; only a lent context has resumption. An outgoing connection always
 * verifies the peer: chain, and name or address. The loop's thread.
 */
#ifndef BASE_TLS_TLS_H
#define BASE_TLS_TLS_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/bytes.h"

enum { TLS_IDENTITIES_MAX = 16, TLS_PATH_MAX = 256, TLS_ERROR_MAX = 320 };

enum tls_client_certificates {
	TLS_CLIENT_NONE,     /* not requested */
	TLS_CLIENT_OPTIONAL, /* verified when there is one */
	TLS_CLIENT_REQUIRED,
};

/* PEM files; certificate: with its chain. */
struct tls_files {
	char certificate[TLS_PATH_MAX];
	char key[TLS_PATH_MAX];
};

struct tls_settings {
	/* the first one is used if SNI matches no other */
	struct tls_files identities[TLS_IDENTITIES_MAX];
	uint32_t identity_count; /* 0: for connections that we make alone, without a certificate */
	char ca[TLS_PATH_MAX];   /* bundle that others are verified against; empty: the system's */
	enum tls_client_certificates clients;
};

/* Why a handshake failed. */
#define TLS_FAILURES(X)                       \
	X(PROTOCOL, "protocol")               \
	X(VERSION, "version_or_cipher")       \
	X(PLAIN, "not_tls")                   \
	X(UNTRUSTED, "certificate_untrusted") \
	X(EXPIRED, "certificate_expired")     \
	X(NAME, "certificate_name")           \
	X(MISSING, "certificate_missing")     \
	X(ALERT, "refused_by_peer")           \
	X(CLOSED, "closed")                   \
	X(TIMEOUT, "timeout")

enum tls_failure {
#define X(id, name) TLS_FAILURE_##id,
	TLS_FAILURES(X)
#undef X
		TLS_FAILURE_REASONS
};

const char *tls_failure_name(enum tls_failure failure);
/* Of a client: its certificate is missing or not good. */
bool tls_failure_is_certificate(enum tls_failure failure);

/* tls_failure_error: a failed outgoing connection as an errno value, ENOTCONN if the certificate is
 * not the reason. The second one gives the text of such a value; NULL if it has no text. */
int tls_failure_error(enum tls_failure failure);
const char *tls_error_name(int error);

struct ssl_ctx_st;
struct tls;
struct tls_link;

/* Reads the files. 0, or -errno with a sentence in error (never a key). */
int tls_open(struct tls **out, const struct tls_settings *settings,
	     char error[TLS_ERROR_MAX]) NODISCARD;
/* New files for handshakes from now on; connections go on. On an error nothing changes. */
int tls_reload(struct tls *t, const struct tls_settings *settings,
	       char error[TLS_ERROR_MAX]) NODISCARD;
void tls_close(struct tls *t); /* NULL is fine; all links are closed */
/* Handshakes of the other owner's server context present our certificates as well; both on one
 * thread, and t outlives it. */
void tls_lend(struct tls *t, struct ssl_ctx_st *to);
/* Those handshakes may be resumed by tickets. Keys of tickets last for a day, and until a reload.
 * Call it now and then, on their thread. now_ns: of base/clock.h. */
void tls_tickets_expire(struct tls *t, uint64_t now_ns);
/* Of those handshakes: a client was refused for its certificate. On their thread. */
typedef void tls_refused_fn(int fd, enum tls_failure why, void *arg);
void tls_on_refused(struct tls *t, tls_refused_fn *refused, void *arg);
enum { TLS_NAME_MAX = 64 };
/* The subjects of the certificates, names and addresses as text: at most cap, each only if it
 * fits. */
uint32_t tls_names(const struct tls *t, char (*out)[TLS_NAME_MAX], uint32_t cap);
/* Days until the first identity expires; negative: it has. */
int tls_days_left(const struct tls *t);
/* The expiry as Unix time in seconds; 0 if it cannot be read. */
uint64_t tls_not_after(const struct tls *t);

/* Over a connected socket, which stays the caller's. 0 or -ENOMEM. */
int tls_accept(struct tls_link **out, struct tls *t, int fd) NODISCARD;
/* The peer's certificate must be for the domain `name` (tls_identity.h), or if that is "", name the
 * address. The caller keeps `name` valid for as long as the link exists. */
int tls_connect(struct tls_link **out, struct tls *t, int fd, const struct addr *remote,
		const char *name) NODISCARD;
/* The peer's certificate must be for that host, like a web server's (RFC 6125 6.4, wildcards): a
 * name or an address. */
int tls_connect_host(struct tls_link **out, struct tls *t, int fd, const char *host) NODISCARD;
/* 0: done, -EAGAIN, -EPROTO with the reason in *failure. */
int tls_handshake(struct tls_link *l, enum tls_failure *failure) NODISCARD;
/* After the handshake: the peer has shown a certificate, which was verified. */
bool tls_is_certified(const struct tls_link *l);
/* And it is for that domain (tls_identity.h). */
bool tls_is_certified_for(const struct tls_link *l, const char *domain);
/* Octets, 0: the end, -EAGAIN, -EPROTO. */
ssize_t tls_read(struct tls_link *l, void *p, size_t n);
ssize_t tls_write(struct tls_link *l, const void *p, size_t n);
/* What the last -EAGAIN waits for is room to write, not something to read. */
bool tls_wants_write(const struct tls_link *l);
/* Sends close_notify once, if the socket takes it. NULL is fine. */
void tls_link_close(struct tls_link *l);

/* The domains for which a certificate is valid in SIP (RFC 5922 7). Pure. */

struct x509_st;

/* ---- internals of tls.c ---- */

/* One certificate with its key. */
struct tls_identity {
	SSL_CTX *server;
	X509 *certificate; /* borrowed from server */
};

/* What a reload replaces as a whole; links that were made keep the SSL_CTX they had. */
struct tls {
	struct tls_identity identities[TLS_IDENTITIES_MAX];
	uint32_t count;
	SSL_CTX *client;
	SSL_CTX *lent;           /* borrowed; NULL: none */
	uint64_t tickets_ns;     /* when its keys were made */
	tls_refused_fn *refused; /* of lent contexts; NULL: not used */
	void *refused_arg;
};

#endif
