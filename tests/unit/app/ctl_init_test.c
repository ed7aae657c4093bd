/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keys.h"
#include "app/settings.h"
#include "base/log.h"
#include "tests/unit/test.h"

static char g_root[] = "/tmp/tandem-init-XXXXXX";
static char g_dir[128], g_config[160], g_keys[160], g_said[1024];

/* What tandemctl would print to standard error. */
void ctl_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(g_said, sizeof(g_said), fmt, ap);
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
	status = ctl_init((int)n + 2, argv);
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

static void test_overwrites_nothing(void **state)
{
	struct keys keys, again;

	(void)state;
	paths("b");
	assert_int_equal(init(NULL, 0), CTL_DONE);
	assert_int_equal(keys_load(&keys, g_keys), 0);
	assert_int_equal(init(NULL, 0), CTL_REFUSED);
	assert_non_null(strstr(g_said, "nothing was changed"));
	assert_int_equal(unlink(g_config), 0);
	assert_int_equal(init(NULL, 0), CTL_REFUSED); /* the keys alone */
	assert_int_equal(access(g_config, F_OK), -1);
	assert_int_equal(keys_load(&again, g_keys), 0);
	assert_memory_equal(&keys, &again, sizeof(keys));
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
	{ "name", { "--name", "a\"\nx: \"" }, "--name" },
	{ "name with a blank", { "--name", "a b" }, "node.name" },
};

static void test_bad_options(void **state)
{
	(void)state;
	paths("c");
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		ROW_ASSERT(BAD[i].name, init(BAD[i].words, 2) == CTL_USAGE);
		if (!strstr(g_said, BAD[i].said))
			fail_msg("%s: %s", BAD[i].name, g_said);
		ROW_ASSERT(BAD[i].name, access(g_config, F_OK) == -1 && access(g_keys, F_OK) == -1);
	}
	assert_int_equal(init(BAD[0].words, 1), CTL_USAGE);
	sweep();
}

static void test_no_dir(void **state)
{
	char *none[] = { NULL };

	(void)state;
	assert_int_equal(ctl_init(0, none), CTL_USAGE);
	assert_non_null(strstr(g_said, "--dir"));
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
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_overwrites_nothing),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_no_dir),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
