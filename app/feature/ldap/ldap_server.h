/* SPDX-License-Identifier: Apache-2.0 */
/* LDAP of a node: its ports, as struct app_feature has them. */
#ifndef APP_FEATURE_LDAP_LDAP_SERVER_H
#define APP_FEATURE_LDAP_LDAP_SERVER_H

#include <stdint.h>

#include "app/schema/feature.h"

extern const struct metric_def g_ldap_metric_rows[];

int ldap_listen(struct node *n);
void ldap_second(struct node *n, uint64_t now_ns);
void ldap_reload(struct node *n);
void ldap_close(struct node *n);

#endif
