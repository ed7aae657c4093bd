/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl init: a new tandem.yaml. What goes into it is checked before, so that no option can write more than its value. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_init.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The address this machine uses towards others; nothing is sent to find it. */
static void init_own_address(char out[ADDR_TEXT_MAX])
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
		if (!strchr(LETTERS ".-_", *p))
			*p = '-';
	}
	if (!out[0])
		(void)snprintf(out, 64, "node1");
}

static bool text_is_of(const char *text, const char *allowed)
{
	return text[0] && text[strspn(text, allowed)] == '\0';
}

static bool is_ports_or_none(const char *text)
{
	return !strcmp(text, "none") || text_is_of(text, "0123456789,");
}

static const char *ports_in_yaml(const char *text)
{
	return strcmp(text, "none") ? text : "";
}

static bool is_address(const char *text)
{
	struct addr a;

	return !addr_parse(&a, bytes_str(text)) && !a.port && !a.scope;
}

bool init_names_are_fine(const char *text)
{
	return text_is_of(text, LETTERS ".-*:,") && text[0] != ',' && !strstr(text, ",,") &&
	       text[strlen(text) - 1] != ',';
}

/* ---- networks ---- */

static bool network_set(struct init *x, const char *name, const char *bind, const char *advertise)
{
	struct init_network *n = &x->networks[x->network_count++];

	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	(void)snprintf(n->bind, sizeof(n->bind), "%s", bind);
	(void)snprintf(n->advertise, sizeof(n->advertise), "%s", advertise ? advertise : "");
	return text_is_of(name, LETTERS ".-_") && strlen(name) < sizeof(n->name) &&
	       is_address(n->bind) && (!advertise || is_address(n->advertise));
}

/* NAME=ADDRESS[/ADVERTISED] */
static bool init_network_read(struct init *x, const char *word)
{
	char text[256], *bind, *advertise;

	if ((size_t)snprintf(text, sizeof(text), "%s", word) >= sizeof(text))
		return false;
	bind = strchr(text, '=');
	if (!bind)
		return false;
	*bind++ = '\0';
	advertise = strchr(bind, '/');
	if (advertise)
		*advertise++ = '\0';
	return network_set(x, text, bind, advertise);
}

static bool networks_read(struct init *x)
{
	uint32_t words = x->network_count;
	char own[ADDR_TEXT_MAX];

	x->network_count = 0;
	for (uint32_t i = 0; i < words; i++) {
		if (!init_network_read(x, x->network_words[i])) {
			ctl_complain("init: --network must be NAME=ADDRESS or "
				     "NAME=ADDRESS/ADVERTISED, such as inside=10.0.0.1");
			return false;
		}
	}
	if (words && (x->bind || x->advertise)) {
		ctl_complain("init: --network says what --bind and --advertise would: give either");
		return false;
	}
	if (words)
		return true;
	init_own_address(own);
	if (network_set(x, "main", x->bind ? x->bind : own, x->advertise))
		return true;
	ctl_complain("init: --bind must be an address of this machine, without a port, and "
		     "--advertise the one that others reach");
	return false;
}

/* ---- values ---- */

/* Somebody who says which ports there are shall not find others taken: two nodes of one machine. */
static void values_preset(struct init *x)
{
	own_name(x->own_name);
	x->name = x->name ? x->name : x->own_name;
	x->shard = x->shard ? x->shard : "1";
	x->trusted = x->trusted ? x->trusted : "";
	x->media_ports = x->media_ports ? x->media_ports : "12000-31999";
	x->http = x->http ? x->http : "127.0.0.1:8080";
	if (!x->tls_ports)
		x->tls_ports = x->sip_ports ? "none" : "5061";
	if (!x->sip_ports)
		x->sip_ports = "5060,10060";
	if (!x->tcp_ports)
		x->tcp_ports = x->sip_ports;
}

static bool http_read(struct init *x)
{
	struct writer w = writer_over(x->http_address, sizeof(x->http_address) - 1);
	struct addr http;

	if (addr_parse(&http, bytes_str(x->http)) || !http.port)
		return false;
	x->http_port = http.port;
	http.port = 0;
	addr_write_ip(&w, &http);
	x->http_address[w.n] = '\0';
	return true;
}

static bool values_check(struct init *x)
{
	const char *wrong = NULL;

	if (!text_is_of(x->sip_ports, "0123456789,"))
		wrong = "--sip-ports must be ports, such as 5060,10060";
	else if (!is_ports_or_none(x->tcp_ports))
		wrong = "--tcp-ports must be ports, such as 5060,10060, or none";
	else if (!is_ports_or_none(x->tls_ports))
		wrong = "--tls-ports must be ports, such as 5061, or none";
	else if (!text_is_of(x->media_ports, "0123456789-"))
		wrong = "--media-ports must be a range, such as 20000-39999";
	else if (!http_read(x))
		wrong = "--http must be address:port, such as 127.0.0.1:8080";
	else if (strpbrk(x->name, "\"\\\n\r'"))
		wrong = "--name may have letters, digits, '.', '-' and '_' only";
	else if (!text_is_of(x->shard, "0123456789"))
		wrong = "--shard must be a number from 1 to 65535";
	else if (x->trusted[0] && !text_is_of(x->trusted, "0123456789abcdefABCDEF.:/,"))
		wrong = "--trusted must be prefixes, such as 192.0.2.5,10.0.0.0/8";
	else if (strpbrk(x->path, "\"\\") ||
		 !text_is_of(x->path, " !#$%&'()*+,-./:;<=>?@[]^_`{|}~" LETTERS))
		wrong = "--dir must be a path of plain characters";
	if (wrong)
		ctl_complain("init: %s", wrong);
	return !wrong;
}

/* ---- the text ---- */

static void network_write(struct writer *w, const struct init *x, const struct init_network *n)
{
	writer_fmt(w, "  - name: \"%s\"\n    bind: \"%s\"\n", n->name, n->bind);
	if (n->advertise[0])
		writer_fmt(w, "    advertise: \"%s\"\n", n->advertise);
	writer_fmt(w,
		   "    sip_ports: [%s]\n"
		   "    sip_tcp_ports: [%s]\n"
		   "    sip_tls_ports: [%s]\n"
		   "    media_ports: %s\n",
		   x->sip_ports, ports_in_yaml(x->tcp_ports), ports_in_yaml(x->tls_ports),
		   x->media_ports);
}

static void trusted_write(struct writer *w, const char *list)
{
	struct bytes rest = bytes_str(list), word;

	writer_str(w, "sip:\n  trusted: [");
	while (list[0] && bytes_cut(&rest, ',', &word))
		writer_fmt(w, "%s\"" BYTES_FMT "\"", w->p[w->n - 1] == '[' ? "" : ", ",
			   BYTES_ARG(word));
	writer_str(w, "]\n");
}

static void yaml_text(struct writer *w, const struct init *x)
{
	writer_fmt(w,
		   "# Settings of this node: see docs/config.md or tandemctl help config.\n"
		   "node:\n"
		   "  name: \"%s\"\n"
		   "  shard: %s\n"
		   "  state_dir: \"%s\"\n"
		   "\n"
		   "networks:\n",
		   x->name, x->shard, x->path);
	for (uint32_t i = 0; i < x->network_count; i++)
		network_write(w, x, &x->networks[i]);
	writer_str(w, "\n");
	trusted_write(w, x->trusted);
	writer_fmt(w,
		   "\n"
		   "http:\n"
		   "  bind: \"%s\"\n"
		   "  port: %u\n"
		   "\n"
		   "log:\n"
		   "  level: info\n",
		   x->http_address, x->http_port);
}

bool init_yaml_write(struct init *x, char out[INIT_YAML_MAX])
{
	struct writer w = writer_over(out, INIT_YAML_MAX - 1);

	values_preset(x);
	if (!values_check(x) || !networks_read(x))
		return false;
	yaml_text(&w, x);
	if (w.overflow) {
		ctl_complain("init: that is too much for a file of settings");
		return false;
	}
	out[w.n] = '\0';
	return true;
}
