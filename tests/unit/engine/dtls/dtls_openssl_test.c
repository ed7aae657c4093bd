/* SPDX-License-Identifier: Apache-2.0 */
/* Against openssl(1) as a program of its own, on loopback: it says on its standard output what keys it has. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "tests/unit/engine/dtls/dtls_peer.h"

extern char **environ;

enum {
	SAID = 16384,
	LIMIT_S = 10,
	KEYING = 88 /* of the longest suite; those of others begin it */
};

static char g_dir[] = "/tmp/tandem-openssl-XXXXXX";
static char g_pem[2][64]; /* a P-256 certificate and an RSA one, with their keys */
static struct media_fingerprint g_theirs[2];

struct program {
	pid_t pid;
	int in, out;
	char said[SAID];
	size_t n;
};

/* ---- the program ---- */

static void spawned(struct program *p, const char *const argv[])
{
	posix_spawn_file_actions_t a;
	int in[2], out[2];

	*p = (struct program){ 0 };
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(posix_spawn_file_actions_init(&a), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&a, in[0], STDIN_FILENO), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&a, out[1], STDOUT_FILENO), 0);
	assert_int_equal(
		posix_spawn_file_actions_addopen(&a, STDERR_FILENO, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(posix_spawnp(&p->pid, "openssl", &a, NULL, (char *const *)(uintptr_t)argv,
				      environ),
			 0);
	(void)posix_spawn_file_actions_destroy(&a);
	(void)close(in[0]);
	(void)close(out[1]);
	p->in = in[1];
	p->out = out[0];
	assert_int_equal(fcntl(p->out, F_SETFL, O_NONBLOCK), 0);
}

static void program_end(struct program *p)
{
	(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, NULL, 0);
	(void)close(p->in);
	(void)close(p->out);
}

static bool program_read(struct program *p, uint8_t keying[KEYING])
{
	static const char MARK[] = "Keying material: ";
	ssize_t n = read(p->out, p->said + p->n, SAID - 1 - p->n);
	const char *at;
	size_t got;

	if (n > 0)
		p->n += (size_t)n;
	p->said[p->n] = '\0';
	at = strstr(p->said, MARK);
	return at && strlen(at) > strlen(MARK) + 2 * KEYING &&
	       hex_decode(bytes_mem(at + strlen(MARK), 2 * KEYING), keying, KEYING, &got) == 0;
}

/* ---- our end ---- */

static int bound(struct sockaddr_in *at)
{
	socklen_t n = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &n), 0);
	return fd;
}

static void send_all(struct dtls *d, int fd, const struct sockaddr_in *to)
{
	uint8_t out[DTLS_MTU];
	uint16_t n;

	while (to->sin_port && (n = dtls_output(d, out)) > 0)
		(void)sendto(fd, out, n, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void receive_all(struct dtls *d, int fd, struct sockaddr_in *from)
{
	uint8_t in[DTLS_DATAGRAM_MAX];
	socklen_t length = sizeof(*from);
	ssize_t n;

	while ((n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)from, &length)) > 0) {
		(void)dtls_receive(d, bytes_mem(in, (size_t)n), clock_now_ns());
		send_all(d, fd, from);
	}
}

/* Until both have keys, or the time is up. */
static bool run(struct dtls *d, int fd, struct sockaddr_in *peer, struct program *p,
		uint8_t keying[KEYING])
{
	uint64_t until_ns = clock_now_ns() + LIMIT_S * NS_PER_S;
	bool said = false;

	while (clock_now_ns() < until_ns && d->outcome != DTLS_BROKEN &&
	       !(said && d->outcome == DTLS_DONE)) {
		struct pollfd wait[] = { { .fd = fd, .events = POLLIN },
					 { .fd = p->out, .events = POLLIN } };

		send_all(d, fd, peer);
		(void)poll(wait, 2, 10);
		receive_all(d, fd, peer);
		(void)dtls_expire(d, clock_now_ns());
		said = program_read(p, keying);
	}
	return said && d->outcome == DTLS_DONE;
}

/* RFC 5764 4.2 */
static void assert_same_keys(const struct dtls *d, const uint8_t keying[KEYING])
{
	const struct media_key *client = d->role == DTLS_CLIENT ? &d->key_out : &d->key_in;
	const struct media_key *server = d->role == DTLS_CLIENT ? &d->key_in : &d->key_out;
	uint8_t key = client->suite == MEDIA_SUITE_AEAD_AES_256_GCM ? 32 : 16;
	uint8_t salt = (uint8_t)(client->length - key);

	assert_memory_equal(client->octets, keying, key);
	assert_memory_equal(server->octets, keying + key, key);
	assert_memory_equal(client->octets + key, keying + 2 * key, salt);
	assert_memory_equal(server->octets + key, keying + 2 * key + salt, salt);
}

/* ---- */

static const struct {
	const char *name;
	enum media_dtls_role role; /* ours */
	const char *profiles;      /* of the program */
	int certificate;
	const char *mtu;
	enum media_suite want; /* NONE: no handshake */
	enum dtls_failure failure;
} ROWS[] = {
	{ "client, CM", DTLS_CLIENT, "SRTP_AES128_CM_SHA1_80", 0, "1200",
	  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, DTLS_FAILURE_NONE },
	{ "client, all: as the server likes", DTLS_CLIENT,
	  "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", 0, "1200",
	  MEDIA_SUITE_AEAD_AES_256_GCM, DTLS_FAILURE_NONE },
	{ "client, an RSA server in small pieces", DTLS_CLIENT, "SRTP_AEAD_AES_128_GCM", 1, "256",
	  MEDIA_SUITE_AEAD_AES_128_GCM, DTLS_FAILURE_NONE },
	{ "client, no profile in common", DTLS_CLIENT, "SRTP_AES128_CM_SHA1_32", 0, "1200",
	  MEDIA_SUITE_NONE, DTLS_FAILURE_PROFILE },
	{ "server, CM", DTLS_SERVER, "SRTP_AES128_CM_SHA1_80", 0, "1200",
	  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, DTLS_FAILURE_NONE },
	{ "server, all: as we like", DTLS_SERVER,
	  "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", 0, "1200",
	  MEDIA_SUITE_AEAD_AES_128_GCM, DTLS_FAILURE_NONE },
	{ "server, an RSA client in small pieces", DTLS_SERVER, "SRTP_AEAD_AES_256_GCM", 1, "256",
	  MEDIA_SUITE_AEAD_AES_256_GCM, DTLS_FAILURE_NONE },
	{ "server, no profile in common", DTLS_SERVER, "SRTP_AES128_CM_SHA1_32", 0, "1200",
	  MEDIA_SUITE_NONE, DTLS_FAILURE_PROFILE },
};

static void start(struct program *p, size_t row, uint16_t port)
{
	bool serves = ROWS[row].role == DTLS_CLIENT;
	char at[32];
	const char *argv[] = { "openssl",
			       serves ? "s_server" : "s_client",
			       "-dtls1_2",
			       serves ? "-accept" : "-connect",
			       at,
			       "-cert",
			       g_pem[ROWS[row].certificate],
			       "-key",
			       g_pem[ROWS[row].certificate],
			       "-mtu",
			       ROWS[row].mtu,
			       "-use_srtp",
			       ROWS[row].profiles,
			       "-keymatexport",
			       "EXTRACTOR-dtls_srtp",
			       "-keymatexportlen",
			       "88",
			       serves ? "-verify" : NULL,
			       "1",
			       NULL };

	(void)snprintf(at, sizeof(at), "127.0.0.1:%u", port);
	spawned(p, argv);
}

static void speaks_with_openssl(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct sockaddr_in here, there;
		int fd = bound(&here), other = bound(&there);
		bool serves = ROWS[i].role == DTLS_CLIENT;
		uint8_t keying[KEYING];
		struct program p;
		struct dtls d;

		assert_int_equal(close(other), 0);
		start(&p, i, ntohs(serves ? there.sin_port : here.sin_port));
		assert_int_equal(dtls_open(&d, g_identity[OURS].context, ROWS[i].role,
					   &g_theirs[ROWS[i].certificate], clock_now_ns()),
				 0);
		if (!serves)
			there.sin_port = 0; /* we shall hear */
		ROW_ASSERT(ROWS[i].name,
			   run(&d, fd, &there, &p, keying) == (ROWS[i].want != MEDIA_SUITE_NONE));
		ROW_ASSERT(ROWS[i].name, d.key_in.suite == ROWS[i].want);
		ROW_ASSERT(ROWS[i].name, d.failure == ROWS[i].failure);
		if (ROWS[i].want != MEDIA_SUITE_NONE)
			assert_same_keys(&d, keying);
		dtls_close(&d);
		program_end(&p);
		assert_int_equal(close(fd), 0);
	}
}

/* ---- certificates ---- */

static int pem_write(const char *path, EVP_PKEY *key, X509 *x509)
{
	FILE *f = fopen(path, "w");
	int ok = f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) &&
		 PEM_write_X509(f, x509);

	return f && fclose(f) == 0 && ok ? 0 : -1;
}

static int certificate_make(int i, EVP_PKEY *key)
{
	X509 *x = X509_new();
	unsigned n;
	int err;

	g_theirs[i].hash = MEDIA_HASH_SHA512;
	err = key && x && X509_gmtime_adj(X509_getm_notBefore(x), -60) &&
			      X509_gmtime_adj(X509_getm_notAfter(x), 86400) &&
			      X509_set_pubkey(x, key) && X509_sign(x, key, EVP_sha256()) &&
			      X509_digest(x, EVP_sha512(), g_theirs[i].octets, &n)
		      ? pem_write(g_pem[i], key, x)
		      : -1;
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}

static int setup(void **state)
{
	if (!mkdtemp(g_dir))
		return -1;
	for (int i = 0; i < 2; i++)
		(void)snprintf(g_pem[i], sizeof(g_pem[i]), "%s/%d.pem", g_dir, i);
	if (certificate_make(0, EVP_EC_gen("P-256")) || certificate_make(1, EVP_RSA_gen(2048)))
		return -1;
	return identities_open(state);
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++)
		(void)unlink(g_pem[i]);
	(void)rmdir(g_dir);
	return identities_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_with_openssl),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
