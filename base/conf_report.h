/* SPDX-License-Identifier: Apache-2.0 */
/* What the walk of a configuration found wrong, in words: where, what is allowed, what is there. */
#ifndef BASE_CONF_REPORT_H
#define BASE_CONF_REPORT_H

#include "base/conf_tree.h"

/* A value of the wrong type or out of range. Values of strings are not shown: they may be secrets. */
void conf_report_wrong(struct conf_errors *errors, const struct conf_field *field,
		       const struct conf_node *node);
/* A list with more items than there is room for. */
void conf_report_long(struct conf_errors *errors, const struct conf_field *field,
		      const struct conf_node *first_too_many);
/* A required key that the section lacks. */
void conf_report_missing(struct conf_errors *errors, const struct conf_field *field,
			 const struct conf_node *map);
/* A key that no field has; names the one that was probably meant. */
void conf_report_unknown(struct conf_errors *errors, const struct conf_field *fields,
			 const struct conf_node *value);
void conf_report_doubled(struct conf_errors *errors, const struct conf_node *first,
			 const struct conf_node *second);

#endif
