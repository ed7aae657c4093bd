/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts and connections over OpenSSL (tls.h): certificates and SNI (RFC 6066), verification
 * of peers by domain or host (RFC 5922 7, RFC 6125), handshakes, reading and writing on
 * non-blocking sockets. SIP, the web server and Redis connections use it. A reload changes
 * certificates for new handshakes only, and refusals of certificates are reported with their
 * reason.
 */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tls/tls.h"

enum { TICKET_KEYS_MAX = 128 }; /* octets */

#define TICKET_KEYS_NS (24 * 3600 * NS_PER_S)

typedef bool identity_fn(struct bytes identity, void *arg);

static struct bytes string_bytes(const ASN1_STRING *s)
{
	return bytes_mem(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* RFC 5922 7.1: "sip:" and only a host. With a user it identifies a user, not the domain. */
static bool uri_identity(struct bytes uri, struct bytes *out)
{
	struct bytes scheme;

	if (!bytes_cut(&uri, ':', &scheme) || !bytes_iis(scheme, "sip") || !uri.n ||
	    memchr(uri.p, '@', uri.n))
		return false;
	for (size_t i = 0; i < uri.n; i++) {
		if (uri.p[i] == ';' || uri.p[i] == '?' || uri.p[i] == ':')
			uri.n = i;
	}
	*out = uri;
	return uri.n != 0;
}

static bool name_identity(const GENERAL_NAME *name, int type, struct bytes *out)
{
	if (name->type != type)
		return false;
	if (type == GEN_URI)
		return uri_identity(string_bytes(name->d.uniformResourceIdentifier), out);
	*out = string_bytes(name->d.dNSName);
	return out->n != 0;
}

/* The number of identities of that type, up to the one that `each` looks for. */
static uint32_t identities_walk(const GENERAL_NAMES *names, int type, identity_fn *each, void *arg)
{
	struct bytes identity;
	uint32_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		if (!name_identity(sk_GENERAL_NAME_value(names, i), type, &identity))
			continue;
		n++;
		if (each(identity, arg))
			break;
	}
	return n;
}

/* A DNS name counts only where no SIP URI is a domain's. */
static void identities_each(const X509 *certificate, identity_fn *each, void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	if (names && !identities_walk(names, GEN_URI, each, arg))
		(void)identities_walk(names, GEN_DNS, each, arg);
	GENERAL_NAMES_free(names);
}

struct identity_search {
	struct bytes domain;
	bool found;
};

static bool identity_compare(struct bytes identity, void *arg)
{
	struct identity_search *s = arg;

	s->found = bytes_ieq(identity, s->domain);
	return s->found;
}

/* True if the certificate is for that domain: by a SIP URI without user, or if it has no such URI,
 * by a DNS name. Compared as a whole, without wildcards and case-insensitively (7.2). */
static bool tls_identity_is(const X509 *certificate, const char *domain)
{
	struct identity_search s = { .domain = bytes_str(domain) };

	if (s.domain.n)
		identities_each(certificate, identity_compare, &s);
	return s.found;
}

static bool identity_write(struct bytes identity, void *arg)
{
	struct writer *w = arg;

	if (w->cap - w->n <= identity.n)
		return true;
	if (w->n)
		writer_str(w, ",");
	writer_bytes(w, identity);
	return false;
}

/* Which ones those are, joined by ','; what does not fit is left out. */
static void tls_identities_write(struct writer *w, const X509 *certificate)
{
	identities_each(certificate, identity_write, w);
}

/* One TLS connection on a non-blocking socket: nothing here waits. */

struct tls_link {
	SSL *ssl;
	bool wants_write;
	bool failed; /* RFC 8446 6.2: after an error nothing more is sent */
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

/* RFC 5922 7.3: the certificate must name the domain that was asked for. RFC 6066 3: SNI tells a
 * server with several names. */
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

/* The failure for the newest error of OpenSSL's queue about a handshake. */
static enum tls_failure tls_failure_of(const SSL *ssl, unsigned long e)
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

/* 0: success; -EAGAIN; -EPROTO with the error still in OpenSSL's queue; 1: the peer has closed. */
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

/* Forward secrecy and authenticated encryption; the CBC ones at the end are for old phones. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES256:ECDHE+AES128:!aNULL:!eNULL:!PSK:!SRP"

static int tls_fail(char error[TLS_ERROR_MAX], const char *what, const char *path)
{
	char reason[160] = "";
	unsigned long e = ERR_peek_last_error();

	if (e)
		ERR_error_string_n(e, reason, sizeof(reason));
	ERR_clear_error();
	(void)snprintf(error, TLS_ERROR_MAX, "%s %.120s: %.120s", what, path, reason);
	return -EINVAL;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (!c)
		return NULL;
	(void)SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(c, CIPHERS) == 1 && SSL_CTX_set_num_tickets(c, 0) == 1)
		return c;
	SSL_CTX_free(c);
	return NULL;
}

static int load_identity(SSL_CTX *c, const struct tls_files *files, char error[TLS_ERROR_MAX])
{
	if (SSL_CTX_use_certificate_chain_file(c, files->certificate) != 1)
		return tls_fail(error, "cannot read the certificate", files->certificate);
	if (SSL_CTX_use_PrivateKey_file(c, files->key, SSL_FILETYPE_PEM) != 1)
		return tls_fail(error, "cannot read the key", files->key);
	if (SSL_CTX_check_private_key(c) != 1)
		return tls_fail(error, "the key is not that of the certificate", files->key);
	return 0;
}

static int load_ca(SSL_CTX *c, const char *ca, char error[TLS_ERROR_MAX])
{
	int ok = ca[0] ? SSL_CTX_load_verify_locations(c, ca, NULL)
		       : SSL_CTX_set_default_verify_paths(c);

	return ok == 1 ? 0 : tls_fail(error, "cannot read the ca", ca);
}

static int verify_mode(enum tls_client_certificates clients)
{
	switch (clients) {
	case TLS_CLIENT_NONE:
		return SSL_VERIFY_NONE;
	case TLS_CLIENT_OPTIONAL:
		return SSL_VERIFY_PEER;
	case TLS_CLIENT_REQUIRED:
		break;
	}
	return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/* RFC 6066 3: the certificate of the name that the client asks for; NULL if there is no match. */
static SSL_CTX *named(const struct tls *t, const SSL *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	for (uint32_t i = 0; name && i < t->count; i++) {
		if (X509_check_host(t->identities[i].certificate, name, 0, 0, NULL) == 1)
			return t->identities[i].server;
	}
	return NULL;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	SSL_CTX *found = named(arg, ssl);

	(void)alert;
	if (!found)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_SSL_CTX(ssl, found);
	return SSL_TLSEXT_ERR_OK;
}

/* The error lies in OpenSSL's queue before the alert leaves. */
static void tls_on_state(const SSL *ssl, int where, int alert)
{
	const struct tls *t = SSL_get_app_data(ssl);
	enum tls_failure why;

	if (where != SSL_CB_WRITE_ALERT || alert >> 8 != SSL3_AL_FATAL)
		return;
	why = tls_failure_of(ssl, ERR_peek_last_error());
	if (tls_failure_is_certificate(why))
		t->refused(SSL_get_fd(ssl), why, t->refused_arg);
}

static void watch_refusals(struct tls *t, SSL *ssl)
{
	if (!t->refused)
		return;
	(void)SSL_set_app_data(ssl, t);
	SSL_set_info_callback(ssl, tls_on_state);
}

void tls_on_refused(struct tls *t, tls_refused_fn *refused, void *arg)
{
	t->refused = refused;
	t->refused_arg = arg;
}

/* Before the certificate is chosen, with or without SNI. */
static int tls_on_certificate(SSL *ssl, void *arg)
{
	struct tls *t = arg;
	SSL_CTX *found = named(t, ssl);
	SSL_CTX *to = found ? found : t->identities[0].server;

	if (!SSL_set_SSL_CTX(ssl, to))
		return 0;
	/* these stay with the connection when its context changes; nothing is requested before
	 * this */
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(to), NULL);
	if (SSL_CTX_get_client_CA_list(to))
		SSL_set_client_CA_list(ssl, SSL_dup_CA_list(SSL_CTX_get_client_CA_list(to)));
	(void)SSL_set1_verify_cert_store(ssl, SSL_CTX_get_cert_store(to));
	watch_refusals(t, ssl);
	return 1;
}

/* A ticket proves a client's certificate again: none outlives the authorities that it was verified
 * against, nor the keys a day (RFC 8446 4.6.1, RFC 5077 5.5). */
static void tickets_renew(struct tls *t, uint64_t now_ns)
{
	unsigned char keys[TICKET_KEYS_MAX];
	long n = t->lent ? SSL_CTX_get_tlsext_ticket_keys(t->lent, NULL, 0) : 0;

	t->tickets_ns = now_ns;
	if (n <= 0 || n > (long)sizeof(keys))
		return;
	if (RAND_bytes(keys, (int)n) == 1)
		(void)SSL_CTX_set_tlsext_ticket_keys(t->lent, keys, n);
	OPENSSL_cleanse(keys, sizeof(keys));
}

void tls_tickets_expire(struct tls *t, uint64_t now_ns)
{
	if (now_ns - t->tickets_ns >= TICKET_KEYS_NS)
		tickets_renew(t, now_ns);
}

void tls_lend(struct tls *t, struct ssl_ctx_st *to)
{
	t->lent = to;
	(void)SSL_CTX_set_session_cache_mode(to,
					     SSL_SESS_CACHE_OFF); /* an id would outlive a reload */
	tickets_renew(t, clock_now_ns());
	SSL_CTX_set_cert_cb(to, tls_on_certificate, t);
}

static int server_open(struct tls_identity *id, struct tls *owner,
		       const struct tls_settings *settings, const struct tls_files *files,
		       char error[TLS_ERROR_MAX])
{
	int err;

	id->server = context_new(TLS_server_method());
	if (!id->server)
		return tls_fail(error, "cannot set up TLS", "");
	err = load_identity(id->server, files, error);
	if (!err && settings->clients != TLS_CLIENT_NONE) {
		STACK_OF(X509_NAME) *names =
			settings->ca[0] ? SSL_load_client_CA_file(settings->ca) : NULL;

		err = load_ca(id->server, settings->ca, error);
		SSL_CTX_set_client_CA_list(id->server, names);
	}
	SSL_CTX_set_verify(id->server, verify_mode(settings->clients), NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(id->server, on_server_name);
	(void)SSL_CTX_set_tlsext_servername_arg(id->server, owner);
	id->certificate = SSL_CTX_get0_certificate(id->server);
	return err;
}

/* What we show when we call is what we show when we are called. */
static int client_open(struct tls *t, const struct tls_settings *settings,
		       char error[TLS_ERROR_MAX])
{
	int err;

	t->client = context_new(TLS_client_method());
	if (!t->client)
		return tls_fail(error, "cannot set up TLS", "");
	SSL_CTX_set_verify(t->client, SSL_VERIFY_PEER, NULL);
	err = settings->identity_count ? load_identity(t->client, &settings->identities[0], error)
				       : 0;
	return err ? err : load_ca(t->client, settings->ca, error);
}

static void contents_free(struct tls *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		SSL_CTX_free(t->identities[i].server);
	SSL_CTX_free(t->client);
	*t = (struct tls){ 0 };
}

/* owner: handshakes ask it for a name's certificate, now and after a reload. */
static int contents_make(struct tls *out, struct tls *owner, const struct tls_settings *settings,
			 char error[TLS_ERROR_MAX])
{
	int err = 0;

	assert(settings->identity_count <= TLS_IDENTITIES_MAX);
	*out = (struct tls){ 0 };
	while (!err && out->count < settings->identity_count) {
		struct tls_identity *id = &out->identities[out->count];

		err = server_open(id, owner, settings, &settings->identities[out->count], error);
		out->count++;
	}
	if (!err)
		err = client_open(out, settings, error);
	if (err)
		contents_free(out);
	return err;
}

int tls_open(struct tls **out, const struct tls_settings *settings, char error[TLS_ERROR_MAX])
{
	struct tls *t = calloc(1, sizeof(*t));
	int err;

	if (!t) {
		(void)snprintf(error, TLS_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	err = contents_make(t, t, settings, error);
	if (err) {
		free(t);
	} else {
		*out = t;
	}
	return err;
}

int tls_reload(struct tls *t, const struct tls_settings *settings, char error[TLS_ERROR_MAX])
{
	struct tls fresh;
	int err = contents_make(&fresh, t, settings, error);

	if (err)
		return err;
	fresh.refused = t->refused;
	fresh.refused_arg = t->refused_arg;
	fresh.lent = t->lent;
	contents_free(t);
	*t = fresh;
	tickets_renew(t, clock_now_ns());
	return 0;
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	contents_free(t);
	free(t);
}

static bool certificate_host(const GENERAL_NAME *from, char out[TLS_NAME_MAX])
{
	struct addr a = { .family = ADDR_V4 };
	const uint8_t *octets;
	struct writer w;
	int n;

	if (from->type == GEN_DNS) {
		octets = ASN1_STRING_get0_data(from->d.dNSName);
		n = ASN1_STRING_length(from->d.dNSName);
		return n > 0 && !memchr(octets, '\0', (size_t)n) &&
		       !bytes_cstr(bytes_mem(octets, (size_t)n), out, TLS_NAME_MAX);
	}
	if (from->type != GEN_IPADD)
		return false;
	octets = ASN1_STRING_get0_data(from->d.iPAddress);
	n = ASN1_STRING_length(from->d.iPAddress);
	if (n != 4 && n != 16)
		return false;
	a.family = n == 4 ? ADDR_V4 : ADDR_V6;
	memcpy(a.ip, octets, (size_t)n);
	w = writer_over(out, TLS_NAME_MAX - 1);
	addr_write_ip(&w, &a);
	out[w.n] = '\0';
	return !w.overflow;
}

static uint32_t names_of(X509 *certificate, char (*out)[TLS_NAME_MAX], uint32_t cap)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	uint32_t n = 0;

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && n < cap; i++)
		n += certificate_host(sk_GENERAL_NAME_value(names, i), out[n]);
	GENERAL_NAMES_free(names);
	return n;
}

uint32_t tls_names(const struct tls *t, char (*out)[TLS_NAME_MAX], uint32_t cap)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->count && n < cap; i++)
		n += names_of(t->identities[i].certificate, out + n, cap - n);
	return n;
}

int tls_days_left(const struct tls *t)
{
	int days = 0, seconds = 0;

	if (ASN1_TIME_diff(&days, &seconds, NULL,
			   X509_get0_notAfter(t->identities[0].certificate)) != 1)
		return -1;
	return days - (seconds < 0);
}

uint64_t tls_not_after(const struct tls *t)
{
	struct tm tm;
	time_t at;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(t->identities[0].certificate), &tm) != 1)
		return 0;
	at = timegm(&tm);
	return at > 0 ? (uint64_t)at : 0;
}

const char *tls_failure_name(enum tls_failure failure)
{
	static const char *const names[TLS_FAILURE_REASONS] = {
#define X(id, name) name,
		TLS_FAILURES(X)
#undef X
	};

	assert(failure < TLS_FAILURE_REASONS);
	return names[failure];
}

static const struct {
	enum tls_failure failure;
	int error;
} g_tls_errors[] = { { TLS_FAILURE_NAME, EKEYREJECTED },
		     { TLS_FAILURE_EXPIRED, EKEYEXPIRED },
		     { TLS_FAILURE_UNTRUSTED, ENOKEY } };

int tls_failure_error(enum tls_failure failure)
{
	for (size_t i = 0; i < COUNT_OF(g_tls_errors); i++) {
		if (g_tls_errors[i].failure == failure)
			return g_tls_errors[i].error;
	}
	return ENOTCONN;
}

const char *tls_error_name(int error)
{
	for (size_t i = 0; i < COUNT_OF(g_tls_errors); i++) {
		if (g_tls_errors[i].error == error)
			return tls_failure_name(g_tls_errors[i].failure);
	}
	return NULL;
}

bool tls_failure_is_certificate(enum tls_failure failure)
{
	return failure == TLS_FAILURE_MISSING || failure == TLS_FAILURE_UNTRUSTED ||
	       failure == TLS_FAILURE_EXPIRED;
}
