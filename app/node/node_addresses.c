/* SPDX-License-Identifier: Apache-2.0 */
/* The networks of tandem.yaml against the addresses this machine has, and what one may have forgotten: said before anything is started, at its place in the file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/keeper/hook.h"
#include "app/node/node.h"
#include "base/log.h"

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

bool node_address_is_elsewhere(const struct addr *address)
{
	return bind_any_port(address) == -EADDRNOTAVAIL;
}

static void node_address_check(const struct addr *bind, const char *path, struct bytes yaml,
			       struct conf_errors *errors)
{
	char text[ADDR_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	uint32_t line = 1, column = 1;

	if (!node_address_is_elsewhere(bind))
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
	const struct settings *s = &n->settings;

	for (uint32_t i = 0; i < s->network_count; i++)
		if (s->without_interface[i])
			LOG_WARN("node", 0,
				 "media.port is xdp, but the network names no interface: its media "
				 "goes by the kernel's sockets",
				 LOG_STR("network", s->networks[i].name),
				 LOG_STR("file", n->config_path),
				 LOG_U64("line", s->without_interface[i]));
}
