/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DTLS 1.2 association over OpenSSL with memory BIOs (RFC 5763, 5764, 6347), and checks on
 * datagrams before OpenSSL parses them. The crypto thread, the load generators and the doctor use
 * it. It holds the last flight back until control has saved the keys, and repeats that flight for a
 * party that missed it, even after OpenSSL's object is freed. Certificates are accepted by
 * fingerprint alone.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "engine/dtls/certificate.h"
#include "engine/dtls/dtls.h"

enum { CERTIFICATES_MAX = 16384 }; /* octets of the party's chain */

/* In the order that we like. */
static const char PROFILES[] = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
static const char CIPHERS[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static char g_groups[] = "X25519:P-256:P-384"; /* not const, because OpenSSL casts that away */

/* In place of a chain's verification: the fingerprint is all there is (RFC 5763 5). */
static int dtls_on_certificate(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls *d = SSL_get_app_data(ssl);

	(void)arg;
	d->certificate_good = certificate_has(X509_STORE_CTX_get0_cert(store), &d->peer);
	d->certificate_bad = !d->certificate_good;
	if (d->certificate_bad)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return d->certificate_good;
}

static bool context_set(SSL_CTX *x, const struct certificate *c)
{
	(void)SSL_CTX_set_options(x, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(x, CERTIFICATES_MAX);
	(void)SSL_CTX_set_max_send_fragment(x, DTLS_MTU); /* a buffer of 2 KB and not of 16 */
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(x, dtls_on_certificate, NULL);
	return SSL_CTX_set_min_proto_version(x, DTLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(x, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(x, CIPHERS) && SSL_CTX_set1_groups_list(x, g_groups) &&
	       SSL_CTX_set_tlsext_use_srtp(x, PROFILES) == 0 && /* 0 is success */
	       SSL_CTX_use_certificate(x, c->x509) && SSL_CTX_use_PrivateKey(x, c->key);
}

int dtls_context_open(struct dtls_context **out, const struct certificate *c)
{
	struct dtls_context *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->ssl = SSL_CTX_new(DTLS_method());
	if (!x->ssl || !context_set(x->ssl, c)) {
		ERR_clear_error();
		dtls_context_close(x);
		return -ENOMEM;
	}
	*out = x;
	return 0;
}

void dtls_context_close(struct dtls_context *x)
{
	if (!x)
		return;
	SSL_CTX_free(x->ssl);
	free(x);
}

enum {
	RECORD_HEAD = 13, /* type 1, version 2, epoch 2, sequence number 6, length 2 */
	/* type 1, length 3, sequence number 2, fragment's offset 3, its length 3 */
	MESSAGE_HEAD = 12,
	HANDSHAKE = 22,
	CLIENT_HELLO = 1,
	/* Behind the version, and the time of old versions. */
	RANDOM_AT = RECORD_HEAD + MESSAGE_HEAD + 2 + 4,
	RANDOM_END = RANDOM_AT + 28,
};

/* Octets of the first record; 0: it is incomplete. */
static size_t dtls_record_length(struct bytes in)
{
	size_t n;

	if (in.n < RECORD_HEAD)
		return 0;
	n = RECORD_HEAD + (size_t)be16_get(in.p + 11);
	return n <= in.n ? n : 0;
}

static uint16_t epoch(const uint8_t *record)
{
	return be16_get(record + 3);
}

static uint32_t be24_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | be16_get(p + 1);
}

static bool is_plain_handshake(struct bytes record)
{
	return record.p[0] == HANDSHAKE && epoch(record.p) == 0 &&
	       record.n >= RECORD_HEAD + MESSAGE_HEAD;
}

bool dtls_record_is_bounded(struct bytes in, uint32_t message_max)
{
	if (in.n == 0)
		return false;
	while (in.n > 0) {
		size_t n = dtls_record_length(in);

		if (n == 0)
			return false;
		if (is_plain_handshake(bytes_mem(in.p, n)) &&
		    be24_get(in.p + RECORD_HEAD + 1) > message_max)
			return false;
		in = bytes_from(in, n);
	}
	return true;
}

/* How many of its records are encrypted; *plain: octets before the first of these. */
static uint32_t dtls_record_sealed(struct bytes in, size_t *plain)
{
	uint32_t sealed = 0;
	size_t n;

	*plain = 0;
	while ((n = dtls_record_length(in)) > 0) {
		sealed += epoch(in.p) > 0;
		if (sealed == 0)
			*plain += n;
		in = bytes_from(in, n);
	}
	return sealed;
}

bool dtls_record_is_hello(struct bytes in, uint64_t *mark)
{
	size_t n = dtls_record_length(in);

	*mark = 0;
	if (n == 0 || !is_plain_handshake(bytes_mem(in.p, n)) || in.p[RECORD_HEAD] != CLIENT_HELLO)
		return false;
	if (be24_get(in.p + RECORD_HEAD + 6) == 0 && n >= RANDOM_END)
		*mark = ((uint64_t)be32_get(in.p + RANDOM_AT) << 32 |
			 be32_get(in.p + RANDOM_AT + 4)) |
			1;
	return true;
}

/* Whether it begins with an unencrypted handshake message. */
static bool dtls_record_is_handshake(struct bytes in)
{
	size_t n = dtls_record_length(in);

	return n > 0 && is_plain_handshake(bytes_mem(in.p, n));
}

bool dtls_record_is_finished(struct bytes in)
{
	size_t n;

	while ((n = dtls_record_length(in)) > 0) {
		if (in.p[0] == HANDSHAKE && epoch(in.p) > 0)
			return true;
		in = bytes_from(in, n);
	}
	return false;
}

enum {
	/* and double each time; RFC 6347 4.2.4.1 has 1 s, where the path is not known */
	FIRST_WAIT_US = 50000,
	KEYING_MAX = 2 * MEDIA_KEY_MAX,
};

static const char LABEL[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 4.2 */

/* ---- the end ---- */

/* Keeps OpenSSL's last write, the only one ever repeated. A flight timed out now may precede it. */
static void last_keep(struct dtls *d)
{
	char *p;
	long n = BIO_get_mem_data(d->out, &p);
	struct bytes all = bytes_mem(p, n > 0 ? (size_t)n : 0);

	while (all.n > sizeof(d->last)) {
		size_t record = dtls_record_length(all);

		all = bytes_from(all, record ? record : all.n);
	}
	if (all.n > 0)
		memcpy(d->last, all.p, all.n);
	d->last_at = 0;
	d->last_n = (uint16_t)all.n;
}

static void keys_wipe(struct dtls *d)
{
	OPENSSL_cleanse(&d->key_in, sizeof(d->key_in));
	OPENSSL_cleanse(&d->key_out, sizeof(d->key_out));
}

static enum dtls_outcome dtls_finish(struct dtls *d, enum dtls_outcome outcome,
				     enum dtls_failure failure)
{
	d->outcome = (uint8_t)outcome;
	d->failure = (uint8_t)failure;
	last_keep(d);
	if (outcome != DTLS_DONE) {
		keys_wipe(d);
		d->held_until_ns = 0;
	}
	SSL_free(d->ssl); /* with its BIOs */
	d->ssl = NULL;
	d->in = d->out = NULL;
	ERR_clear_error();
	return outcome;
}

static enum media_suite suite_of(const SRTP_PROTECTION_PROFILE *profile, uint8_t *key,
				 uint8_t *salt)
{
	*key = 16;
	*salt = 12;
	switch (profile ? profile->id : 0) {
	case SRTP_AEAD_AES_128_GCM:
		return MEDIA_SUITE_AEAD_AES_128_GCM;
	case SRTP_AEAD_AES_256_GCM:
		*key = 32;
		return MEDIA_SUITE_AEAD_AES_256_GCM;
	case SRTP_AES128_CM_SHA1_80:
		*salt = 14;
		return MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80;
	default:
		return MEDIA_SUITE_NONE;
	}
}

static struct media_key key_join(enum media_suite suite, const uint8_t *key, uint8_t key_n,
				 const uint8_t *salt, uint8_t salt_n)
{
	struct media_key k = { .suite = (uint8_t)suite, .length = (uint8_t)(key_n + salt_n) };

	memcpy(k.octets, key, key_n);
	memcpy(k.octets + key_n, salt, salt_n);
	return k;
}

/* RFC 5764 4.2: the client's key, the server's, the client's salt, the server's. */
static enum dtls_failure keys_export(struct dtls *d)
{
	uint8_t m[KEYING_MAX], k, s;
	enum media_suite suite = suite_of(SSL_get_selected_srtp_profile(d->ssl), &k, &s);
	struct media_key client, server;

	if (suite == MEDIA_SUITE_NONE)
		return DTLS_FAILURE_PROFILE;
	if (SSL_export_keying_material(d->ssl, m, 2 * ((size_t)k + s), LABEL, sizeof(LABEL) - 1,
				       NULL, 0, 0) != 1)
		return DTLS_FAILURE_PROTOCOL;
	client = key_join(suite, m, k, m + 2 * k, s);
	server = key_join(suite, m + k, k, m + 2 * k + s, s);
	d->key_in = d->role == DTLS_SERVER ? client : server;
	d->key_out = d->role == DTLS_SERVER ? server : client;
	OPENSSL_cleanse(m, sizeof(m));
	OPENSSL_cleanse(&client, sizeof(client));
	OPENSSL_cleanse(&server, sizeof(server));
	return DTLS_FAILURE_NONE;
}

/* Checks the certificate once more: a handshake that could end without it is not accepted. */
static enum dtls_outcome dtls_succeed(struct dtls *d)
{
	enum dtls_failure failure = d->certificate_good ? keys_export(d) : DTLS_FAILURE_CERTIFICATE;

	if (failure)
		(void)SSL_shutdown(d->ssl);
	return dtls_finish(d, failure ? DTLS_BROKEN : DTLS_DONE, failure);
}

static enum dtls_outcome dtls_fail(struct dtls *d)
{
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (d->certificate_bad)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_CERTIFICATE);
	if (reason == ERR_R_MALLOC_FAILURE)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_MEMORY);
	return dtls_finish(d, DTLS_BROKEN,
			   reason >= SSL_AD_REASON_OFFSET ? DTLS_FAILURE_ALERT
							  : DTLS_FAILURE_PROTOCOL);
}

static enum dtls_outcome handshake(struct dtls *d)
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(d->ssl);
	if (done == 1)
		return dtls_succeed(d);
	return SSL_get_error(d->ssl, done) == SSL_ERROR_WANT_READ ? DTLS_RUNNING : dtls_fail(d);
}

/* ---- the flight with which the party can finish ---- */

/* As client: the server's agreement is known, and only its Finished is missing. */
static bool is_client_done(struct dtls *d)
{
	return d->outcome == DTLS_RUNNING && d->role == DTLS_CLIENT &&
	       SSL_get_state(d->ssl) == TLS_ST_CW_FINISHED && d->certificate_good &&
	       keys_export(d) == DTLS_FAILURE_NONE;
}

/* Too long to be reported, but waits all the same. */
static void flight_copy(struct dtls *d)
{
	last_keep(d);
	if (BIO_pending(d->out) > (int)sizeof(d->last))
		d->last_n = 0;
}

static void flight_hold(struct dtls *d, uint64_t now_ns)
{
	if (!d->holds)
		return;
	if (is_client_done(d))
		flight_copy(d);
	else if (d->outcome != DTLS_DONE)
		return;
	d->holds = 0;
	d->held_until_ns = now_ns + DTLS_HOLD_NS;
}

void dtls_release(struct dtls *d)
{
	d->held_until_ns = 0;
}

void dtls_resume(struct dtls *d, enum media_dtls_role role, struct bytes flight)
{
	assert(flight.n <= sizeof(d->last));
	*d = (struct dtls){ .role = (uint8_t)role,
			    .outcome = DTLS_DONE,
			    .last_n = (uint16_t)flight.n };
	memcpy(d->last, flight.p, flight.n);
}

/* ---- association ---- */

static unsigned wait_longer(SSL *ssl, unsigned us)
{
	(void)ssl;
	return us ? us * 2 : FIRST_WAIT_US;
}

static bool bios_make(struct dtls *d)
{
	d->in = BIO_new(BIO_s_mem());
	d->out = BIO_new(BIO_s_mem());
	if (!d->in || !d->out) {
		BIO_free(d->in);
		BIO_free(d->out);
		return false;
	}
	(void)BIO_set_mem_eof_return(d->in, -1);
	(void)BIO_set_mem_eof_return(d->out, -1);
	SSL_set_bio(d->ssl, d->in, d->out);
	return true;
}

int dtls_open(struct dtls *d, struct dtls_context *x, enum media_dtls_role role,
	      const struct media_fingerprint *peer, uint64_t now_ns)
{
	assert(role != DTLS_NONE);
	*d = (struct dtls){ .role = (uint8_t)role,
			    .peer = *peer,
			    .deadline_ns = now_ns + DTLS_DEADLINE_NS };
	d->ssl = SSL_new(x->ssl);
	if (!d->ssl || !bios_make(d)) {
		dtls_close(d);
		ERR_clear_error();
		return -ENOMEM;
	}
	(void)SSL_set_app_data(d->ssl, d);
	(void)SSL_set_mtu(d->ssl, DTLS_MTU);
	(void)DTLS_set_link_mtu(d->ssl, DTLS_MTU);
	DTLS_set_timer_cb(d->ssl, wait_longer);
	if (role == DTLS_SERVER) {
		SSL_set_accept_state(d->ssl);
		return 0;
	}
	SSL_set_connect_state(d->ssl);
	return handshake(d) == DTLS_RUNNING ? 0 : -ENOMEM;
}

void dtls_close(struct dtls *d)
{
	SSL_free(d->ssl);
	OPENSSL_cleanse(d, sizeof(*d));
}

/* A party that missed our last flight sends its own again (RFC 6347 4.2.4): a client its Finished,
 * a server what comes before the keys. The same octets will do: it drops records that it has
 * already. */
static void repeat(struct dtls *d, struct bytes datagram)
{
	bool asks = d->role == DTLS_SERVER ? dtls_record_is_finished(datagram)
					   : dtls_record_is_handshake(datagram);

	if (d->outcome == DTLS_DONE && asks)
		d->last_at = 0;
}

/* An honest party sends one with each try; of a sender of more only the plain part is read. */
static struct bytes sealed_bound(struct dtls *d, struct bytes datagram)
{
	size_t plain;
	uint32_t sealed = dtls_record_sealed(datagram, &plain);

	if (d->sealed + sealed > DTLS_SEALED_MAX)
		return bytes_mem(datagram.p, plain);
	d->sealed += sealed;
	return datagram;
}

enum dtls_outcome dtls_receive(struct dtls *d, struct bytes datagram, uint64_t now_ns)
{
	enum dtls_outcome outcome;

	if (d->outcome != DTLS_RUNNING) {
		repeat(d, datagram);
		return (enum dtls_outcome)d->outcome;
	}
	if (now_ns >= d->deadline_ns)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_DEADLINE);
	if (d->held_until_ns) /* the party can only repeat its flight, and will */
		return DTLS_RUNNING;
	if (datagram.n > DTLS_DATAGRAM_MAX || !dtls_record_is_bounded(datagram, DTLS_MESSAGE_MAX))
		return DTLS_RUNNING;
	datagram = sealed_bound(d, datagram);
	d->octets += (uint32_t)datagram.n;
	if (d->octets > DTLS_OCTETS_MAX)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_PROTOCOL);
	if (BIO_write(d->in, datagram.p, (int)datagram.n) != (int)datagram.n)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_MEMORY);
	outcome = handshake(d);
	flight_hold(d, now_ns);
	return outcome;
}

enum dtls_outcome dtls_expire(struct dtls *d, uint64_t now_ns)
{
	struct timeval left;

	if (now_ns >= d->held_until_ns)
		dtls_release(d);
	if (d->outcome != DTLS_RUNNING)
		return (enum dtls_outcome)d->outcome;
	if (now_ns >= d->deadline_ns)
		return dtls_finish(d, DTLS_BROKEN, DTLS_FAILURE_DEADLINE);
	ERR_clear_error();
	if (d->held_until_ns)
		return DTLS_RUNNING;
	if (!DTLSv1_get_timeout(d->ssl, &left) || left.tv_sec > 0 || left.tv_usec > 0)
		return DTLS_RUNNING;
	return DTLSv1_handle_timeout(d->ssl) < 0 ? dtls_fail(d) : DTLS_RUNNING;
}

uint64_t dtls_next_ns(const struct dtls *d, uint64_t now_ns)
{
	struct timeval left;
	uint64_t next_ns;

	if (d->held_until_ns)
		return d->held_until_ns;
	if (d->outcome != DTLS_RUNNING)
		return UINT64_MAX;
	if (!DTLSv1_get_timeout(d->ssl, &left))
		return d->deadline_ns;
	next_ns = now_ns + (uint64_t)left.tv_sec * NS_PER_S + (uint64_t)left.tv_usec * NS_PER_US;
	return next_ns < d->deadline_ns ? next_ns : d->deadline_ns;
}

/* ---- what is sent ---- */

/* Whole records, as many as a datagram holds: a BIO in memory knows no datagrams. */
static uint16_t records_fit(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t record = dtls_record_length(bytes_mem(p + at, n - at));

		if (record == 0 || at + record > DTLS_MTU)
			break;
		at += record;
	}
	return (uint16_t)at;
}

uint16_t dtls_output(struct dtls *d, uint8_t out[DTLS_MTU])
{
	uint16_t n;
	char *p;
	long all;

	if (d->held_until_ns)
		return 0;
	if (d->outcome != DTLS_RUNNING) {
		n = records_fit(d->last + d->last_at, (size_t)(d->last_n - d->last_at));
		memcpy(out, d->last + d->last_at, n);
		d->last_at = (uint16_t)(d->last_at + n);
		return n;
	}
	all = BIO_get_mem_data(d->out, &p);
	n = all > 0 ? records_fit((const uint8_t *)p, (size_t)all) : 0;
	if (n == 0) {
		/* no record that fits, though OpenSSL was given the size */
		(void)BIO_reset(d->out);
		return 0;
	}
	return BIO_read(d->out, out, n) == n ? n : 0;
}

const char *dtls_failure_name(enum dtls_failure f)
{
	static const char *const NAMES[DTLS_FAILURES] = {
		[DTLS_FAILURE_NONE] = "none",
		[DTLS_FAILURE_CERTIFICATE] = "certificate",
		[DTLS_FAILURE_PROFILE] = "srtp_profile",
		[DTLS_FAILURE_ALERT] = "alert",
		[DTLS_FAILURE_PROTOCOL] = "protocol",
		[DTLS_FAILURE_DEADLINE] = "deadline",
		[DTLS_FAILURE_MEMORY] = "memory",
	};

	assert(f < DTLS_FAILURES);
	return NAMES[f];
}
