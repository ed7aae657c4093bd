/* SPDX-License-Identifier: Apache-2.0 */
/* What tandemctl init was told. */
#ifndef APP_CTL_CTL_INIT_H
#define APP_CTL_CTL_INIT_H

#include <limits.h>

#include "app/settings/settings.h"

enum { INIT_YAML_MAX = 16384, INIT_NETWORKS_MAX = 8 };

struct init_network {
	char name[32];
	char bind[ADDR_TEXT_MAX], advertise[ADDR_TEXT_MAX]; /* advertise: may be empty */
};

struct init {
	const char *dir, *config; /* one of them */
	const char *names;        /* further ones in the certificate, with commas */
	/* of a new file only; NULL: not said */
	const char *bind, *advertise, *sip_ports, *tcp_ports, *tls_ports, *media_ports, *http,
		*name, *shard, *trusted;
	const char *network_words[INIT_NETWORKS_MAX];
	uint32_t network_count;

	char path[PATH_MAX]; /* of dir, absolute */
	struct init_network networks[INIT_NETWORKS_MAX];
	char own_name[64], http_address[ADDR_TEXT_MAX];
	uint16_t http_port;
};

/* The text of a new tandem.yaml, NUL at its end, from what was said and this machine. False: complained. */
bool init_yaml_write(struct init *x, char out[INIT_YAML_MAX]);
/* A list with commas: names of hosts and addresses only. */
bool init_names_are_fine(const char *text);

#endif
