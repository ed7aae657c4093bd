/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a device are made of: its document, and those of its extensions and its tenant,
 * as they are now. Control thread. */
#ifndef APP_FEATURE_PROVISION_PROVISION_FACTS_H
#define APP_FEATURE_PROVISION_PROVISION_FACTS_H

#include "app/feature/provision/device_field.h"
#include "app/feature/provision/phone_files.h"
#include "app/web/web_page.h"

struct device_entry;
struct extension;
struct node;
struct web_routed;

enum { FACTS_HOST_MAX = 256, RECORD_URL_MAX = FACTS_HOST_MAX + WEB_PAGE_PATH_MAX + 16 };

/* An extension of the tenant has that number and that password. It is not proven by this: guesses
 * are not counted. */
bool provision_password_fits(const struct node *n, uint16_t tenant, struct bytes number,
			     const char *password);
/* Its files, with the password that it has proven. bare: no document names it, and its only file
 * has r->user. NULL: no memory, or too long; logged. */
struct phone_files *provision_render(struct node *n, uint16_t tenant, const struct device_value *v,
				     const struct web_routed *r, bool bare);

/* Its phone has fetched other files than it would now. Takes as long as a first file: 0.2 ms. */
bool provision_is_changed(struct node *n, const struct device_entry *d);

/* Of the page that the Record key of the extension's phone opens (REC-08), "": it has none. Another
 * host name of the node is another link. */
void provision_record_url(const struct node *n, uint16_t tenant, const struct extension *e,
			  const struct web_routed *r, char out[RECORD_URL_MAX]);

#endif
