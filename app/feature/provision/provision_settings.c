/* SPDX-License-Identifier: Apache-2.0 */
/* The section provision of the node file: its rows, as docs/config.md shows them, and its rules. A
 * node and tandemctl read it with the others (settings_add). */

#include "app/feature/provision/provision_settings.h"

#include <string.h>

#include "app/settings/settings_schema.h"

static const struct conf_field provision_fields[] = {
	SETTING("bind", "0.0.0.0", "Address of both ports.", ADDRESS(provision_settings, bind),
		.at_start = true),
	SETTING("http", "0",
		"TCP port of HTTP, such as 80; 0: none. Passwords cross the network in the clear "
		"there: for a network of phones alone.",
		U32(provision_settings, http, 0, 65535), .at_start = true),
	SETTING("https", "0",
		"TCP port of HTTPS, such as 443, with the certificates of tls; 0: none.",
		U32(provision_settings, https, 0, 65535), .at_start = true),
	SETTING("factory_ca", NULL,
		"File with the authorities of phones' factories (PEM): over HTTPS phones with a "
		"certificate of theirs alone have their files, whatever tls says of others. "
		"Without it: tls.client_certificates and tls.ca count. A reload reads it again.",
		TEXT(provision_settings, factory_ca)),
	SETTING("ftp", "false",
		"Whether phones may fetch their files by FTP, too, from a pure-ftpd beside the "
		"node: docs/guides/phones.md. Passwords cross the network in the clear there.",
		FLAG(provision_settings, ftp), .at_start = true),
	SETTING("server", NULL,
		"Host name or address that phones are told to register at. Without it: the one at "
		"which they ask for their files.",
		TEXT(provision_settings, server)),
	SETTING("time_server", "time.nist.gov",
		"Host name or address of the time server (SNTP) that phones are told. A network "
		"of phones alone has one of its own.",
		TEXT(provision_settings, time_server)),
	SETTING("digest", "false",
		"Whether phones may log in by Digest, too, by the algorithms of "
		"sip.digest_algorithms. A "
		"phone that knows it takes it. Its device needs a password of its own "
		"(device.put): the files of others need the one that Basic brings.",
		FLAG(provision_settings, digest), .at_start = true),
	SETTING("firmware", NULL,
		"Folder with the firmware of Polycom phones: files as the make has them, in "
		"polycom-8.5 and polycom-7.0 below it. A reload looks for them. Without it none is "
		"offered.",
		TEXT(provision_settings, firmware)),
	SETTING("firmware_unknown", "false",
		"Whether phones that no document names are offered that of 8.5, too "
		"(bare_phones of a tenant).",
		FLAG(provision_settings, firmware_unknown)),
	SETTING("secondary_users", "25",
		"So many extensions a gateway registers that is their secondary proxy "
		"(secondary_proxy of extension.put); of more device.put and lint warn, and no new "
		"device of one of them is taken. 0: any number.",
		U32(provision_settings, secondary_users, 0, 65535)),
	{ .key = NULL },
};

static bool provision_is(const struct check *c, uint32_t port, const char *path, uint32_t other,
			 const char *its)
{
	if (!port || port != other)
		return false;
	REPORT(c, path, "%s is %s too: give it another port", path, its);
	return true;
}

static void provision_check(const struct check *c, const void *value)
{
	static const char *const paths[] = { "provision.http", "provision.https" };
	const struct provision_settings *p = value;
	const uint32_t ports[] = { p->http, p->https };

	if (p->bind.port)
		REPORT(c, "provision.bind",
		       "provision.bind is an address without a port: its ports are provision.http "
		       "and provision.https");
	if (p->server[strspn(p->server, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789.-")])
		REPORT(c, "provision.server",
		       "provision.server is a host name or an address, without http:// and a port");
	(void)provision_is(c, p->https, paths[1], p->http, paths[0]);
	for (size_t i = 0; i < COUNT_OF(ports); i++) {
		if (!provision_is(c, ports[i], paths[i], c->s->http.port, "http.port") &&
		    !provision_is(c, ports[i], paths[i], c->s->http.health_port,
				  "http.health_port"))
			(void)provision_is(c, ports[i], paths[i], c->s->recordings.port,
					   "recordings.port");
	}
}

struct settings_section g_provision_settings = {
	.key = "provision",
	.help = "Files for phones that provision themselves: docs/guides/phones.md.",
	.fields = provision_fields,
	.size = sizeof(struct provision_settings),
	.check = provision_check,
};
