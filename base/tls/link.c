/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection on a non-blocking socket: nothing here waits. */
#include "base/tls/link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "base/tls/identity.h"

struct tls_link {
	SSL *ssl;
	bool wants_write;
	bool failed; /* RFC 8446 6.2: after an error nothing more is said */
};

static int link_new(struct tls_link **out, SSL_CTX *context, int fd)
{
	struct tls_link *l = calloc(1, sizeof(*l));

	if (l)
		l->ssl = SSL_new(context);
	if (!l || !l->ssl || SSL_set_fd(l->ssl, fd) != 1) {
		tls_link_close(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

int tls_accept(struct tls_link **out, struct tls *t, int fd)
{
	int err = link_new(out, t->identities[0].server, fd);

	if (!err)
		SSL_set_accept_state((*out)->ssl);
	return err;
}

static void link_is_another(const char *name, const X509 *certificate)
{
	uint8_t space[256];
	struct writer shown = writer_over(space, sizeof(space));

	tls_identities_write(&shown, certificate);
	LOG_WARN("sip", 0,
		 "a certificate is not for the name that was called: name the server as its "
		 "certificate does, or let it show one of that name",
		 LOG_STR("name", name), LOG_BYTES("certificate", writer_done(&shown)));
}

/* In place of OpenSSL's own comparison, which knows wildcards and no SIP URIs. */
static int link_on_verify(int good, X509_STORE_CTX *context)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
	const char *name = SSL_get_app_data(ssl);
	const X509 *certificate = X509_STORE_CTX_get_current_cert(context);

	if (!good || X509_STORE_CTX_get_error_depth(context) != 0 ||
	    tls_identity_is(certificate, name))
		return good;
	link_is_another(name, certificate);
	X509_STORE_CTX_set_error(context, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

/* RFC 5922 7.3: what we were told is what the certificate must name. RFC 6066 3: who has many is told for whom we come. */
static int link_expect(const struct tls_link *l, const struct addr *remote, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(l->ssl);

	if (!name[0])
		return X509_VERIFY_PARAM_set1_ip(param, remote->ip,
						 remote->family == ADDR_V4 ? 4 : 16);
	SSL_set_verify(l->ssl, SSL_VERIFY_PEER, link_on_verify);
	return SSL_set_app_data(l->ssl, (void *)(uintptr_t)name) &&
	       SSL_ctrl(l->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)name);
}

int tls_connect(struct tls_link **out, struct tls *t, int fd, const struct addr *remote,
		const char *name)
{
	struct tls_link *l;

	if (link_new(&l, t->client, fd))
		return -ENOMEM;
	if (link_expect(l, remote, name) != 1) {
		tls_link_close(l);
		return -ENOMEM;
	}
	SSL_set_connect_state(l->ssl);
	*out = l;
	return 0;
}

/* RFC 6066 3: an address is no server name. */
static bool link_expect_host(const struct tls_link *l, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(l->ssl);
	struct addr address;

	if (addr_parse(&address, bytes_str(host)) == 0)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	       SSL_ctrl(l->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)host) == 1;
}

int tls_connect_host(struct tls_link **out, struct tls *t, int fd, const char *host)
{
	struct tls_link *l;

	if (link_new(&l, t->client, fd))
		return -ENOMEM;
	if (!link_expect_host(l, host)) {
		tls_link_close(l);
		return -ENOMEM;
	}
	SSL_set_connect_state(l->ssl);
	*out = l;
	return 0;
}

static enum tls_failure verify_failure(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_FAILURE_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_FAILURE_NAME;
	default:
		return TLS_FAILURE_UNTRUSTED;
	}
}

enum tls_failure tls_failure_of(const SSL *ssl, unsigned long e)
{
	int reason = ERR_GET_REASON(e);

	switch (reason) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return verify_failure(SSL_get_verify_result(ssl));
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return TLS_FAILURE_MISSING;
	case SSL_R_HTTP_REQUEST:
	case SSL_R_WRONG_VERSION_NUMBER: /* what comes first is no record of TLS at all */
		return TLS_FAILURE_PLAIN;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_NO_SHARED_CIPHER:
		return TLS_FAILURE_VERSION;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return TLS_FAILURE_CLOSED;
	default:
		/* 1000 and on: the alert the peer sent */
		return reason >= SSL_AD_REASON_OFFSET ? TLS_FAILURE_ALERT : TLS_FAILURE_PROTOCOL;
	}
}

/* 0: it worked; -EAGAIN; -EPROTO with the error still in OpenSSL's queue; 1: the peer has ended it. */
static int outcome(struct tls_link *l, int result)
{
	switch (SSL_get_error(l->ssl, result)) {
	case SSL_ERROR_NONE:
		return 0;
	case SSL_ERROR_WANT_READ:
		l->wants_write = false;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		l->wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 1;
	default:
		l->failed = true;
		return -EPROTO;
	}
}

bool tls_is_certified(const struct tls_link *l)
{
	return SSL_get0_peer_certificate(l->ssl) && SSL_get_verify_result(l->ssl) == X509_V_OK;
}

bool tls_is_certified_for(const struct tls_link *l, const char *domain)
{
	return tls_is_certified(l) && tls_identity_is(SSL_get0_peer_certificate(l->ssl), domain);
}

int tls_handshake(struct tls_link *l, enum tls_failure *failure)
{
	unsigned long e;
	int err;

	ERR_clear_error();
	err = outcome(l, SSL_do_handshake(l->ssl));
	if (err == 0 || err == -EAGAIN)
		return err;
	e = ERR_peek_error();
	*failure = e ? tls_failure_of(l->ssl, e) : TLS_FAILURE_CLOSED;
	ERR_clear_error();
	l->failed = true;
	return -EPROTO;
}

static int octets_clamp(size_t n)
{
	return n < INT_MAX ? (int)n : INT_MAX;
}

ssize_t tls_read(struct tls_link *l, void *p, size_t n)
{
	int got, err;

	ERR_clear_error();
	got = SSL_read(l->ssl, p, octets_clamp(n));
	if (got > 0)
		return got;
	err = outcome(l, got);
	return err > 0 ? 0 : err;
}

ssize_t tls_write(struct tls_link *l, const void *p, size_t n)
{
	int put, err;

	ERR_clear_error();
	put = SSL_write(l->ssl, p, octets_clamp(n));
	if (put > 0)
		return put;
	err = outcome(l, put);
	return err > 0 ? -EPIPE : err;
}

bool tls_wants_write(const struct tls_link *l)
{
	return l->wants_write;
}

void tls_link_close(struct tls_link *l)
{
	if (!l)
		return;
	ERR_clear_error();
	if (l->ssl && !l->failed && SSL_is_init_finished(l->ssl))
		(void)SSL_shutdown(l->ssl);
	ERR_clear_error();
	SSL_free(l->ssl);
	free(l);
}
