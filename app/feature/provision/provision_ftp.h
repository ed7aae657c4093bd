/* SPDX-License-Identifier: Apache-2.0 */
/* Files of phones over FTP: the child that says who may log in (ftp/ftp.h), and what it needs of
 * those over HTTP. Control thread. */
#ifndef APP_FEATURE_PROVISION_PROVISION_FTP_H
#define APP_FEATURE_PROVISION_PROVISION_FTP_H

#include "base/bytes.h"

struct device_entry;
struct node;
struct shard;
struct web_routed;

#define FACTORY_LOGIN "PlcmSpIp" /* user and password of a new Polycom: no guess */

extern const struct child_kind g_ftp_child;
/* Deletes what was laid for sessions of FTP: files with passwords. */
void provision_ftp_forget(const struct node *n);

/* ---- provision_http.c ---- */
/* Before anything is looked up. No address can push another one out: they share places. */
bool provision_source_is_admitted(const struct node *n, const struct web_routed *r);
/* By the host that it asked for, as SIP does. */
uint16_t provision_tenant(const struct node *n, const struct web_routed *r);
/* The password is that of the number; d: of its device, or NULL. Guesses are counted. *wait_ns: it
 * may be tried again then, else unchanged. */
bool provision_proves(struct shard *core, const struct device_entry *d, uint16_t tenant,
		      struct bytes number, const struct web_routed *r, uint64_t *wait_ns);
/* The phone has that file of that revision: with the last one it has them all. */
void provision_given(struct device_entry *d, struct bytes revision, const char *family,
		     struct bytes name);

#endif
