/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings/keys.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "tests/unit/test.h"

static char g_root[] = "/tmp/tandem-init-XXXXXX";
static char g_dir[128], g_config[160], g_keys[160], g_recorded[1024];

/* What tandemctl would print to standard error. */
void ctl_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(g_recorded, sizeof(g_recorded), fmt, ap);
	va_end(ap);
}

static void paths(const char *name)
{
	(void)snprintf(g_dir, sizeof(g_dir), "%s/%s", g_root, name);
	(void)snprintf(g_config, sizeof(g_config), "%s/tandem.yaml", g_dir);
	(void)snprintf(g_keys, sizeof(g_keys), "%s/keys", g_dir);
}

static void sweep(void)
{
	static const char *const files[] = { "ca.pem", "ca.key", "node.pem", "node.key" };
	char path[256];

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/tls/%s", g_dir, files[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/tls", g_dir);
	(void)rmdir(path);
	(void)unlink(g_config);
	(void)unlink(g_keys);
	(void)rmdir(g_dir);
}

static int init(const char *const *words, size_t n)
{
	char *argv[16] = { (char *)(uintptr_t) "--dir", g_dir };
	int saved = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC), status;

	for (size_t i = 0; i < n; i++)
		argv[2 + i] = (char *)(uintptr_t)words[i];
	(void)fflush(stdout);
	(void)dup2(null, STDOUT_FILENO);
	status = ctl_init(NULL, (int)n + 2, argv);
	(void)fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(null);
	(void)close(saved);
	return status;
}

static void load(struct settings *s)
{
	static struct conf_errors errors;
	char *text;
	size_t n;

	assert_int_equal(settings_load(g_config, &text, &n), 0);
	if (settings_read(s, bytes_mem(text, n), &errors))
		fail_msg("%u:%u: %s", errors.list[0].line, errors.list[0].column,
			 errors.list[0].message);
	free(text);
}

static void check_mode(const char *file, unsigned mode)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/tls/%s", g_dir, file);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

/* What was made is what the node takes, and its authority signed it for its names. */
static void check_certificates(const struct settings *s)
{
	static struct tls_settings tls;
	char error[TLS_ERROR_MAX], command[512];
	struct tls *t;

	check_mode("ca.pem", 0644);
	check_mode("ca.key", 0600);
	check_mode("node.key", 0600);
	check_mode("", 0700);
	settings_to_tls(s, &tls);
	if (tls_open(&t, &tls, error))
		fail_msg("%s", error);
	assert_in_range(tls_days_left(t), 3600, 3660);
	tls_close(t);
	(void)snprintf(command, sizeof(command),
		       "openssl verify -x509_strict -purpose sslserver -verify_ip 127.0.0.1 "
		       "-CAfile %s/tls/ca.pem %s/tls/node.pem >/dev/null",
		       g_dir, g_dir);
	assert_int_equal(system(command), 0);
}

static void test_defaults(void **state)
{
	static struct settings s;
	struct keys keys;
	struct stat st;

	(void)state;
	paths("a");
	assert_int_equal(init(NULL, 0), CTL_DONE);
	load(&s);
	assert_string_equal(s.node.state_dir, g_dir);
	assert_int_equal(s.node.shard, 1);
	assert_int_equal(s.networks[0].sip_ports[0], 5060);
	assert_int_equal(s.networks[0].sip_ports[1], 10060);
	assert_int_equal(s.networks[0].sip_tcp_ports[1], 10060);
	assert_int_equal(s.networks[0].sip_tls_ports[0], 5061);
	assert_int_equal(s.http.port, 8080);
	assert_int_equal(stat(g_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(g_config, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(keys_load(&keys, g_keys), 0);
	check_certificates(&s);
	sweep();
}

static void test_all_options(void **state)
{
	static const char *const words[] = { "--bind",      "127.0.0.1",     "--sip-ports",
					     "15060,15061", "--media-ports", "21000-21099",
					     "--http",      "[::1]:18080",   "--name",
					     "x-1" };
	static struct settings s;

	(void)state;
	paths("deep/er");
	assert_int_equal(init(words, COUNT_OF(words)), CTL_DONE);
	load(&s);
	assert_string_equal(s.node.name, "x-1");
	assert_int_equal(s.networks[0].bind.ip[0], 127);
	assert_int_equal(s.networks[0].sip_ports[1], 15061);
	assert_int_equal(s.networks[0].media_ports.last, 21099);
	assert_int_equal(s.networks[0].sip_tcp_ports[1], 15061); /* as UDP */
	assert_int_equal(s.networks[0].sip_tls_port_count,
			 0); /* not said, so not in anybody's way */
	assert_int_equal(s.http.port, 18080);
	assert_int_equal(s.http.bind.family, ADDR_V6);
	sweep();
	paths("deep");
	(void)rmdir(g_dir);
}

/* What is there stays, octet for octet; what is missing is made. */
static void test_completes(void **state)
{
	static const char *const bind[] = { "--bind", "127.0.0.1" };
	struct keys keys, again;
	static struct settings s;

	(void)state;
	paths("b");
	assert_int_equal(init(NULL, 0), CTL_DONE);
	assert_int_equal(keys_load(&keys, g_keys), 0);
	assert_int_equal(init(NULL, 0), CTL_DONE);
	assert_int_equal(keys_load(&again, g_keys), 0);
	assert_memory_equal(&keys, &again, sizeof(keys));
	assert_int_equal(unlink(g_config), 0);
	assert_int_equal(init(bind, 2),
			 CTL_DONE); /* the keys alone: of another node of the cluster */
	load(&s);
	assert_int_equal(s.networks[0].bind.ip[0], 127);
	assert_int_equal(keys_load(&again, g_keys), 0);
	assert_memory_equal(&keys, &again, sizeof(keys));
	assert_int_equal(init(bind, 2), CTL_REFUSED); /* the file says another thing, perhaps */
	assert_non_null(strstr(g_recorded, "--bind is for a new file"));
	sweep();
}

static void config_write(const char *yaml)
{
	FILE *file = fopen(g_config, "w");

	assert_non_null(file);
	(void)fputs(yaml, file);
	(void)fclose(file);
}

static int init_config(const char *names)
{
	char *argv[] = { (char *)(uintptr_t) "--config", g_config, (char *)(uintptr_t) "--names",
			 (char *)(uintptr_t)names };

	return ctl_init(NULL, names ? 4 : 2, argv);
}

/* A node that is there gets another certificate of the authority that its phones trust, and keeps the one that it has without names. */
static void other_names(const struct settings *s)
{
	char *words[] = { (char *)(uintptr_t) "--names", (char *)(uintptr_t) "phone.example.org" };
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "cd %s/tls && cp ca.pem ../ca && cp node.pem ../node", g_dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(init_config(NULL), CTL_DONE);
	(void)snprintf(command, sizeof(command), "cd %s/tls && cmp -s node.pem ../node", g_dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(ctl_init(g_config, 2, words), CTL_DONE);
	check_certificates(s);
	(void)snprintf(command, sizeof(command),
		       "cd %s/tls && cmp -s ca.pem ../ca && ! cmp -s node.pem ../node && rm ../ca "
		       "../node && "
		       "openssl x509 -in node.pem -noout -checkhost phone.example.org | grep -q "
		       "'does match'",
		       g_dir);
	assert_int_equal(system(command), 0);
}

/* Settings that somebody wrote by hand, in a folder of their own. */
static void test_completes_by_hand(void **state)
{
	char yaml[512], command[512];
	struct keys keys;
	static struct settings s;

	(void)state;
	paths("h");
	assert_int_equal(mkdir(g_dir, 0700), 0);
	(void)snprintf(g_config, sizeof(g_config), "%s.yaml", g_dir);
	(void)snprintf(
		yaml, sizeof(yaml),
		"node:\n  name: n1\n  shard: 1\n  state_dir: %s\n"
		"networks:\n  - name: main\n    bind: 127.0.0.1\n    advertise: 203.0.113.7\n",
		g_dir);
	config_write("node: 1\n");
	assert_int_equal(init_config(NULL), CTL_REFUSED);
	assert_non_null(strstr(g_recorded, "h.yaml:1:"));
	config_write(yaml);
	assert_int_equal(init_config("sip.example.org,*.example.net"), CTL_DONE);
	load(&s);
	check_certificates(&s);
	assert_int_equal(keys_load(&keys, g_keys), 0);
	for (const char *const *name =
		     (const char *const[]){ "host sip.example.org", "host a.example.net",
					    "ip 203.0.113.7", "ip 127.0.0.1", "host n1", NULL };
	     *name; name++) {
		(void)snprintf(
			command, sizeof(command),
			"openssl x509 -in %s/tls/node.pem -noout -check%s | grep -q 'does match'",
			g_dir, *name);
		if (system(command))
			fail_msg("%s", *name);
	}
	(void)snprintf(command, sizeof(command),
		       "openssl x509 -in %s/tls/node.pem -noout -subject | grep -q sip.example.org",
		       g_dir);
	assert_int_equal(system(command), 0);
	other_names(&s);
	sweep();
}

static void test_networks(void **state)
{
	static const char *const words[] = { "--network", "inside=127.0.0.1",
					     "--network", "outside=127.0.0.2/203.0.113.10",
					     "--shard",   "7",
					     "--trusted", "127.0.0.9,10.0.0.0/8" };
	static struct settings s;

	(void)state;
	paths("n");
	assert_int_equal(init(words, COUNT_OF(words)), CTL_DONE);
	load(&s);
	assert_int_equal(s.network_count, 2);
	assert_string_equal(s.networks[1].name, "outside");
	assert_int_equal(s.networks[1].bind.ip[3], 2);
	assert_int_equal(s.networks[1].advertise.ip[0], 203);
	assert_int_equal(s.networks[1].sip_tls_ports[0], 5061);
	assert_int_equal(s.node.shard, 7);
	assert_int_equal(s.sip.trusted_count, 2);
	sweep();
}

static const struct {
	const char *name;
	const char *words[2];
	const char *said;
} BAD[] = {
	{ "unknown option", { "--colour", "red" }, "what is" },
	{ "bind is a name", { "--bind", "localhost" }, "--bind" },
	{ "bind with port", { "--bind", "127.0.0.1:5060" }, "--bind" },
	{ "wildcard", { "--bind", "0.0.0.0" }, "one network for each address" },
	{ "SIP ports", { "--sip-ports", "5060]\nx: [1" }, "--sip-ports" },
	{ "SIP port 0", { "--sip-ports", "0" }, "sip_tcp_ports[0]" },
	{ "TCP ports", { "--tcp-ports", "5060]\nx: [1" }, "--tcp-ports" },
	{ "TLS ports", { "--tls-ports", "some" }, "--tls-ports" },
	{ "media ports", { "--media-ports", "20000-39999\nx: 1" }, "--media-ports" },
	{ "media reversed", { "--media-ports", "30000-20000" }, "media_ports" },
	{ "SIP port in media", { "--sip-ports", "20000" }, "media_ports" },
	{ "http without port", { "--http", "127.0.0.1" }, "--http" },
	{ "a network's address", { "--network", "a=b" }, "--network" },
	{ "a network alone", { "--network", "127.0.0.1" }, "--network" },
	{ "shard", { "--shard", "1\nx: 1" }, "--shard" },
	{ "shard 0", { "--shard", "0" }, "node.shard" },
	{ "trusted", { "--trusted", "\"]" }, "--trusted" },
	{ "trusted host", { "--trusted", "10.0.0.0/99" }, "trusted" },
	{ "names", { "--names", "a b" }, "--names" },
	{ "name", { "--name", "a\"\nx: \"" }, "--name" },
	{ "name with a blank", { "--name", "a b" }, "node.name" },
};

static void test_bad_options(void **state)
{
	(void)state;
	paths("c");
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		ROW_ASSERT(BAD[i].name, init(BAD[i].words, 2) == CTL_USAGE);
		if (!strstr(g_recorded, BAD[i].said))
			fail_msg("%s: %s", BAD[i].name, g_recorded);
		ROW_ASSERT(BAD[i].name, access(g_config, F_OK) == -1 && access(g_keys, F_OK) == -1);
	}
	assert_int_equal(init(BAD[0].words, 1), CTL_USAGE);
	sweep();
}

static void test_no_dir(void **state)
{
	char *none[] = { NULL };

	(void)state;
	assert_int_equal(ctl_init(NULL, 0, none), CTL_USAGE);
	assert_non_null(strstr(g_recorded, "--dir"));
	(void)snprintf(g_dir, sizeof(g_dir), "/proc/nowhere/x");
	assert_int_equal(init(NULL, 0), CTL_REFUSED);
}

static int setup(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return mkdtemp(g_root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(g_root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),  cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_completes), cmocka_unit_test(test_completes_by_hand),
		cmocka_unit_test(test_networks),  cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_no_dir),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
