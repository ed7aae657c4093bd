/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of tandemd --check-config besides the text: files, addresses, ports, disk. Ports are bound
 * as a node would bind them, and closed again: nothing is changed. Warnings of a node that runs
 * come from its /healthz. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/keeper/hook.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_file.h"
#include "app/node/node_media.h"
#include "app/settings/settings.h"
#include "base/conf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "cluster/embedded/embedded.h"
#include "sig/sip/message.h"

/* The networks of tandem.yaml against the machine's addresses, and likely omissions: reported
 * before a start, at their place in the file. */

enum { PATH_MAX_BYTES = 32 };

static int bind_any_port(const struct addr *address)
{
	struct sockaddr_storage sa;
	struct addr any_port = *address;
	socklen_t n;
	int fd, err;

	any_port.port = 0;
	n = addr_to_sockaddr(&any_port, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = bind(fd, (const struct sockaddr *)&sa, n) < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

bool node_address_is_remote(const struct addr *address)
{
	return bind_any_port(address) == -EADDRNOTAVAIL;
}

static void node_address_check(const struct addr *bind, const char *path, struct bytes yaml,
			       struct conf_errors *errors)
{
	char text[ADDR_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	uint32_t line = 1, column = 1;

	if (!node_address_is_remote(bind))
		return;
	(void)conf_where(yaml, path, &line, &column);
	addr_write_ip(&w, bind);
	conf_error_add(errors, line, column, "%s: %.*s is no address of this machine", path,
		       (int)w.n, text);
}

/* What it is at each run it is looked at again. */
static void address_hook_check(const struct settings *s, struct bytes yaml,
			       struct conf_errors *errors)
{
	const char *hook = s->cluster.address_hook;
	const char *fault = hook[0] ? hook_fault(hook) : NULL;
	uint32_t line = 1, column = 1;

	if (!fault)
		return;
	(void)conf_where(yaml, "cluster.address_hook", &line, &column);
	conf_error_add(errors, line, column, "cluster.address_hook: %s %s", hook, fault);
}

void node_addresses_check(const struct settings *s, struct bytes yaml, struct conf_errors *errors)
{
	for (uint32_t i = 0; i < s->network_count; i++) {
		char path[PATH_MAX_BYTES];

		if (s->networks[i].floating)
			continue;
		(void)snprintf(path, sizeof(path), "networks[%" PRIu32 "].bind", i);
		node_address_check(&s->networks[i].bind, path, yaml, errors);
	}
	if (s->cluster.listen.family != ADDR_NONE)
		node_address_check(&s->cluster.listen, "cluster.listen", yaml, errors);
	address_hook_check(s, yaml, errors);
}

void node_interfaces_note(const struct node *n)
{
	const struct settings *s = n->settings;

	for (uint32_t i = 0; i < s->network_count; i++)
		if (s->without_interface[i])
			LOG_WARN("node", 0,
				 "media.port is xdp, but the network names no interface: its media "
				 "goes by the kernel's sockets",
				 LOG_STR("network", s->networks[i].name),
				 LOG_STR("file", n->config_path),
				 LOG_U64("line", s->without_interface[i]));
}

struct machine {
	const struct settings *s;
	struct bytes yaml;
	struct conf_errors *errors;
	const char *path; /* of the file */
};

PRINTF_LIKE(3, 4)
static void machine_report(const struct machine *m, const char *key, const char *fmt, ...)
{
	uint32_t line = 1, column = 1;
	char text[CONF_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (conf_where(m->yaml, key, &line, &column)) {
		char section[32];

		(void)snprintf(section, sizeof(section), "%.*s", (int)strcspn(key, "."), key);
		(void)conf_where(m->yaml, section, &line, &column);
	}
	conf_error_add(m->errors, line, column, "%s", text);
}

static void keys_look(const struct machine *m)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/keys", m->s->node.state_dir);
	if (access(path, R_OK) == 0)
		return;
	if (errno == ENOENT)
		machine_report(m, "node.state_dir",
			       "%s is missing: tandemctl init --config %s makes it", path, m->path);
	else
		machine_report(m, "node.state_dir", "%s: %s", path, strerror(errno));
}

static void certificates_look(const struct machine *m)
{
	static struct tls_settings settings;
	const struct settings_tls *tls = &m->s->tls;
	char error[TLS_ERROR_MAX];
	struct tls *t;

	if (!settings_wants_tls(m->s))
		return;
	if (tls->is_preset && access(tls->own.certificate, F_OK) && errno == ENOENT) {
		/* the node starts without TLS then, and says so */
		if (m->s->http.tls)
			machine_report(m, "http.tls",
				       "%s is missing: tandemctl init --config %s makes it",
				       tls->own.certificate, m->path);
		return;
	}
	settings_to_tls(m->s, &settings);
	if (tls_open(&t, &settings, error))
		machine_report(m, tls->is_preset ? "node.state_dir" : "tls.certificate", "%s",
			       error);
	else
		tls_close(t);
}

static void recordings_look(const struct machine *m)
{
	const struct settings_recordings *r = &m->s->recordings;
	static char pem[ENVELOPE_PEM_MAX];
	char reason[ENVELOPE_REASON_MAX], key[64];
	uint64_t expires;

	if (r->certificate[0] && !node_certificate_read(r->certificate, pem, reason, &expires))
		machine_report(m, "recordings.certificate", "%s: %s", r->certificate, reason);
	for (uint32_t i = 0; i < r->tenant_certificate_count; i++) {
		const char *file = r->tenant_certificates[i].file;

		if (node_certificate_read(file, pem, reason, &expires))
			continue;
		(void)snprintf(key, sizeof(key), "recordings.tenant_certificates[%" PRIu32 "].file",
			       i);
		machine_report(m, key, "%s: %s", file, reason);
	}
}

/* Folder and disk of recordings: nobody need record, and a node starts without. */
static void recordings_warn(const struct machine *m)
{
	const struct settings_recordings *r = &m->s->recordings;
	struct statvfs fs;
	int err = folder_try(r->folder);

	if (err == -ENOSPC || err == -EDQUOT)
		machine_report(m, "recordings.folder",
			       "recordings.folder: the disk of %s is full: nothing can be recorded",
			       r->folder);
	else if (err)
		machine_report(m, "recordings.folder",
			       "recordings.folder: %s cannot be written (%s): nothing can be "
			       "recorded; this process has uid %u",
			       r->folder, strerror(-err), (unsigned)geteuid());
	else if (r->free_mib && (!statvfs(r->folder, &fs) || !statvfs(m->s->node.state_dir, &fs)) &&
		 (uint64_t)fs.f_bavail * fs.f_frsize < (uint64_t)r->free_mib << 20)
		machine_report(m, "recordings.free_mib",
			       "recordings.free_mib: less than %u MiB is left on the disk of %s",
			       (unsigned)r->free_mib, r->folder);
}

/* What the node says by itself needs files; without any of them it is silent there. */
static void prompts_warn(const struct machine *m)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/.prompts", m->s->media.sounds);
	if (access(path, R_OK | X_OK) && access(NODE_SHIPPED_SOUNDS "/.prompts", R_OK | X_OK))
		machine_report(m, "media.sounds",
			       "media.sounds: the prompts of the node are missing (%s: %s): "
			       "callers hear silence instead; deploy/prompts/make.py makes them",
			       path, strerror(errno));
}

/* ---- the node that runs ---- */

enum { HEALTH_ANSWER_MAX = 4096, HEALTH_WAIT_S = 2 };

/* Octets of an HTTP answer of /healthz; 0: no answer. */
static size_t health_query(const struct settings *s, char out[HEALTH_ANSWER_MAX])
{
	static const char request[] =
		"GET /healthz HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
	const struct timeval wait = { .tv_sec = HEALTH_WAIT_S };
	struct addr address = s->http.health_port ? s->http.health_bind : s->http.bind;
	struct sockaddr_storage sa;
	size_t n = 0;
	ssize_t got = 0;
	int fd;

	address.port = (uint16_t)(s->http.health_port ? s->http.health_port : s->http.port);
	fd = socket(address.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (!connect(fd, (const struct sockaddr *)&sa, addr_to_sockaddr(&address, &sa)) &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1) {
		while (n < HEALTH_ANSWER_MAX - 1 &&
		       (got = recv(fd, out + n, HEALTH_ANSWER_MAX - 1 - n, 0)) > 0)
			n += (size_t)got;
	}
	(void)close(fd);
	out[n] = '\0';
	return n;
}

/* Warnings of the running node:
 * a Redis that refuses writes, a refused reload, and all else that it reports. */
static void running_warn(const struct machine *m)
{
	char answer[HEALTH_ANSWER_MAX];
	const char *body, *detail;
	json_t *json, *reason;
	size_t i;

	if (!embedded_is_locked(m->s->node.state_dir) ||
	    (m->s->http.tls && !m->s->http.health_port) || !health_query(m->s, answer))
		return;
	body = strstr(answer, "\r\n\r\n");
	json = body ? json_loads(body + 4, 0, NULL) : NULL;
	json_array_foreach(json_object_get(json, "reasons"), i, reason)
	{
		const char *name = json_string_value(reason);

		detail = json_string_value(
			json_object_get(json_object_get(json, "details"), name ? name : ""));
		machine_report(m, "node", "the node that runs says %s%s%s", name ? name : "",
			       detail ? ": " : "", detail ? detail : "");
	}
	json_decref(json);
}

void node_machine_warn(const struct settings *s, struct bytes yaml, struct conf_errors *warnings)
{
	const struct machine m = { .s = s, .yaml = yaml, .errors = warnings };

	recordings_warn(&m);
	prompts_warn(&m);
	running_warn(&m);
}

/* As the node binds: beside fading connections of an earlier start, but not beside a listener. */
static int port_try(const struct addr *address, bool datagrams)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(address, &sa);
	int fd = socket(sa.ss_family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int on = 1, err = 0;

	if (fd < 0)
		return -errno;
	if (!datagrams && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err = -errno;
	if (!err && sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		err = -errno;
	if (!err && bind(fd, (const struct sockaddr *)&sa, n))
		err = -errno;
	if (!err && !datagrams && listen(fd, 1))
		err = -errno;
	(void)close(fd);
	return err;
}

static const char *port_fault(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "is used by another program";
	case -EACCES:
		return "is not allowed to this user: ports below 1024 need a privilege";
	default:
		return strerror(-err);
	}
}

static void port_look(const struct machine *m, const char *key, const struct addr *address,
		      enum sip_transport transport)
{
	bool datagrams = transport == SIP_UDP;
	char text[ADDR_TEXT_MAX];
	int err = port_try(address, datagrams);

	/* what the machine does not have was said of the network */
	if (!err || (err == -EADDRNOTAVAIL && strncmp(key, "http", 4) != 0))
		return;
	(void)addr_text(address, text);
	machine_report(m, key, "%s: %s port %s %s", key, datagrams ? "UDP" : "TCP", text,
		       port_fault(err));
}

static void network_look(const struct machine *m, uint32_t i)
{
	const struct settings_network *n = &m->s->networks[i];
	const struct {
		const char *name;
		const uint32_t *ports;
		uint32_t count;
		enum sip_transport transport;
	} lists[] = { { "sip_ports", n->sip_ports, n->sip_port_count, SIP_UDP },
		      { "sip_tcp_ports", n->sip_tcp_ports, n->sip_tcp_port_count, SIP_TCP },
		      { "sip_tls_ports", n->sip_tls_ports, n->sip_tls_port_count, SIP_TLS },
		      { "webrtc_port", &n->webrtc_port, n->webrtc_port ? 1 : 0, SIP_UDP } };
	struct addr address = n->bind;
	char key[64];

	for (size_t k = 0; k < COUNT_OF(lists); k++) {
		(void)snprintf(key, sizeof(key), "networks[%" PRIu32 "].%s", i, lists[k].name);
		for (uint32_t p = 0; p < lists[k].count; p++) {
			address.port = (uint16_t)lists[k].ports[p];
			port_look(m, key, &address, lists[k].transport);
		}
	}
}

static void ports_look(const struct machine *m)
{
	struct addr http = m->s->http.bind;

	for (uint32_t i = 0; i < m->s->network_count; i++)
		network_look(m, i);
	http.port = (uint16_t)m->s->http.port;
	if (http.port)
		port_look(m, "http.port", &http, SIP_TCP);
	http = m->s->http.health_bind;
	http.port = (uint16_t)m->s->http.health_port;
	if (http.port)
		port_look(m, "http.health_port", &http, SIP_TCP);
	http = m->s->http.bind;
	http.port = (uint16_t)m->s->recordings.port;
	if (http.port)
		port_look(m, "recordings.port", &http, SIP_TCP);
}

void node_machine_check(const struct settings *s, const char *path, struct bytes yaml,
			struct conf_errors *errors)
{
	const struct machine m = { .s = s, .yaml = yaml, .errors = errors, .path = path };

	node_addresses_check(s, yaml, errors);
	keys_look(&m);
	certificates_look(&m);
	recordings_look(&m);
	if (embedded_is_locked(s->node.state_dir))
		(void)fprintf(stderr, "%s: a node runs in %s: its ports were not looked at\n", path,
			      s->node.state_dir);
	else
		ports_look(&m);
}
