/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl init: the files a first start needs. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/certificate.h"
#include "app/ctl.h"
#include "app/keys.h"
#include "base/file.h"

enum { YAML_MAX = 4096 };

struct init {
	const char *dir, *bind, *sip_ports, *tcp_ports, *tls_ports, *media_ports, *http, *name;
	char own_address[ADDR_TEXT_MAX], own_name[64], http_address[ADDR_TEXT_MAX];
	char path[PATH_MAX]; /* of dir, absolute */
	char config[PATH_MAX + 16], keys[PATH_MAX + 16], tls[PATH_MAX + 16];
	uint16_t http_port;
};

static bool options_read(struct init *x, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} known[] = { { "--dir", &x->dir },
		      { "--bind", &x->bind },
		      { "--sip-ports", &x->sip_ports },
		      { "--tcp-ports", &x->tcp_ports },
		      { "--tls-ports", &x->tls_ports },
		      { "--media-ports", &x->media_ports },
		      { "--http", &x->http },
		      { "--name", &x->name } };

	for (int i = 0; i < argc; i += 2) {
		size_t k = 0;

		while (k < COUNT_OF(known) && strcmp(argv[i], known[k].name) != 0)
			k++;
		if (k == COUNT_OF(known) || i + 1 >= argc) {
			ctl_complain(k == COUNT_OF(known) ? "init: what is '%s'?"
							  : "init: %s needs a value",
				     argv[i]);
			return false;
		}
		*known[k].value = argv[i + 1];
	}
	if (!x->dir)
		ctl_complain("init: --dir DIR is missing");
	return x->dir != NULL;
}

/* The address this machine uses towards others; nothing is sent to find it. */
static void own_address(char out[ADDR_TEXT_MAX])
{
	struct sockaddr_storage to, sa;
	struct addr a = { 0 };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = false;

	if (!addr_parse(&a, BYTES_LIT("192.0.2.1:9")) && fd >= 0) {
		uint32_t length = addr_to_sockaddr(&a, &to);

		found = !connect(fd, (const struct sockaddr *)&to, length) &&
			!getsockname(fd, (struct sockaddr *)&sa, &n) &&
			!addr_from_sockaddr(&a, (const struct sockaddr *)&sa) && !addr_is_any(&a);
	}
	a.port = 0;
	(void)snprintf(out, ADDR_TEXT_MAX, "%s", "127.0.0.1");
	if (found)
		(void)addr_text(&a, out);
	if (fd >= 0)
		(void)close(fd);
}

static void own_name(char out[64])
{
	if (gethostname(out, 64))
		out[0] = '\0';
	out[63] = '\0';
	for (char *p = out; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_",
			    *p))
			*p = '-';
	}
	if (!out[0])
		(void)snprintf(out, 64, "node1");
}

static bool is_of(const char *text, const char *allowed)
{
	return text[0] && text[strspn(text, allowed)] == '\0';
}

static bool is_ports_or_none(const char *text)
{
	return !strcmp(text, "none") || is_of(text, "0123456789,");
}

static const char *ports_in_yaml(const char *text)
{
	return strcmp(text, "none") ? text : "";
}

/* Somebody who says which ports there are shall not find others taken: two nodes of one machine. */
static void ports_preset(struct init *x)
{
	if (!x->tls_ports)
		x->tls_ports = x->sip_ports ? "none" : "5061";
	if (!x->sip_ports)
		x->sip_ports = "5060,10060";
	if (!x->tcp_ports)
		x->tcp_ports = x->sip_ports;
}

/* What goes into the file is checked before, so that no option can write more than its value. */
static bool values_check(struct init *x)
{
	struct writer w = writer_over(x->http_address, sizeof(x->http_address) - 1);
	struct addr bind, http;

	if (addr_parse(&bind, bytes_str(x->bind)) || bind.port || bind.scope) {
		ctl_complain("init: --bind must be an address of this machine, without a port");
	} else if (!is_of(x->sip_ports, "0123456789,")) {
		ctl_complain("init: --sip-ports must be ports, such as 5060,10060");
	} else if (!is_ports_or_none(x->tcp_ports)) {
		ctl_complain("init: --tcp-ports must be ports, such as 5060,10060, or none");
	} else if (!is_ports_or_none(x->tls_ports)) {
		ctl_complain("init: --tls-ports must be ports, such as 5061, or none");
	} else if (!is_of(x->media_ports, "0123456789-")) {
		ctl_complain("init: --media-ports must be a range, such as 20000-39999");
	} else if (addr_parse(&http, bytes_str(x->http)) || !http.port) {
		ctl_complain("init: --http must be address:port, such as 127.0.0.1:8080");
	} else if (strpbrk(x->name, "\"\\\n\r'")) {
		ctl_complain("init: --name may have letters, digits, '.', '-' and '_' only");
	} else if (strpbrk(x->path, "\"\\") ||
		   !is_of(x->path, " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_"
				   "`abcdefghijklmnopqrstuvwxyz{|}~")) {
		ctl_complain("init: --dir must be a path of plain characters");
	} else {
		x->http_port = http.port;
		http.port = 0;
		addr_write_ip(&w, &http);
		x->http_address[w.n] = '\0';
		return true;
	}
	return false;
}

static int yaml_write(const struct init *x, char out[YAML_MAX])
{
	int n = snprintf(out, YAML_MAX,
			 "# Settings of this node: see docs/config.md or tandemctl help config.\n"
			 "node:\n"
			 "  name: \"%s\"\n"
			 "  shard: 1\n"
			 "  state_dir: \"%s\"\n"
			 "\n"
			 "networks:\n"
			 "  - name: main\n"
			 "    bind: \"%s\"\n"
			 "    sip_ports: [%s]\n"
			 "    sip_tcp_ports: [%s]\n"
			 "    sip_tls_ports: [%s]\n"
			 "    media_ports: %s\n"
			 "\n"
			 "sip:\n"
			 "  trusted: []\n"
			 "\n"
			 "http:\n"
			 "  bind: \"%s\"\n"
			 "  port: %u\n"
			 "\n"
			 "log:\n"
			 "  level: info\n",
			 x->name, x->path, x->bind, x->sip_ports, ports_in_yaml(x->tcp_ports),
			 ports_in_yaml(x->tls_ports), x->media_ports, x->http_address,
			 x->http_port);

	return n > 0 && n < YAML_MAX ? 0 : -ENAMETOOLONG;
}

static bool yaml_check(const char *yaml)
{
	static struct settings settings;
	static struct conf_errors errors;

	if (!settings_read(&settings, bytes_str(yaml), &errors))
		return true;
	for (uint32_t i = 0; i < errors.count; i++)
		ctl_complain("init: %s", errors.list[i].message);
	return false;
}

/* Also the folders above, as mkdir -p. */
static int folder_make(const char *dir, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s", dir);

	if (n <= 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return realpath(dir, path) ? 0 : -errno;
}

static bool is_free(const char *path)
{
	struct stat st;

	if (!lstat(path, &st)) {
		ctl_complain("init: %s is there already: nothing was changed", path);
		return false;
	}
	return true;
}

/* For the name and the addresses that phones are told. */
static int tls_make(const struct init *x)
{
	struct certificate_names names = { .list = { x->name, "localhost", x->bind } };
	int err;

	names.count = 3;
	if (strcmp(x->bind, "127.0.0.1") != 0)
		names.list[names.count++] = "127.0.0.1";
	if (strcmp(x->bind, "::1") != 0)
		names.list[names.count++] = "::1";
	err = certificates_make(x->tls, &names);
	return err == -EEXIST ? 0 : err; /* given ones stay */
}

static int files_make(struct init *x, const char *yaml)
{
	int err;

	(void)snprintf(x->config, sizeof(x->config), "%s/tandem.yaml", x->path);
	(void)snprintf(x->keys, sizeof(x->keys), "%s/keys", x->path);
	(void)snprintf(x->tls, sizeof(x->tls), "%s/tls", x->path);
	if (!is_free(x->config) || !is_free(x->keys))
		return CTL_REFUSED;
	err = tls_make(x);
	if (!err)
		err = keys_create(x->keys);
	if (!err) {
		err = file_create(x->config, 0600, bytes_str(yaml));
		if (err)
			(void)unlink(x->keys);
	}
	if (err) {
		ctl_complain("init: cannot write to %s: %s", x->path, strerror(-err));
		return CTL_REFUSED;
	}
	(void)printf("made %s, %s and %s (phones trust %s/ca.pem)\n", x->config, x->keys, x->tls,
		     x->tls);
	return CTL_DONE;
}

int ctl_init(int argc, char **argv)
{
	static struct init x;
	char yaml[YAML_MAX];
	int err;

	x = (struct init){ .media_ports = "12000-31999", .http = "127.0.0.1:8080" };
	if (argc == 1 && !strcmp(argv[0], "--help"))
		return ctl_help(NULL);
	if (!options_read(&x, argc, argv))
		return CTL_USAGE;
	ports_preset(&x);
	own_address(x.own_address);
	own_name(x.own_name);
	x.bind = x.bind ? x.bind : x.own_address;
	x.name = x.name ? x.name : x.own_name;
	err = folder_make(x.dir, x.path);
	if (err) {
		ctl_complain("init: cannot make %s: %s", x.dir, strerror(-err));
		return CTL_REFUSED;
	}
	if (!values_check(&x) || yaml_write(&x, yaml) || !yaml_check(yaml))
		return CTL_USAGE;
	return files_make(&x, yaml);
}
