/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text as a tree of maps, lists and scalars that know where they stand. Only what a
 * configuration needs: one document, plain keys, no anchors, aliases or tags; bounded in every way.
 */
#ifndef BASE_CONF_TREE_H
#define BASE_CONF_TREE_H

#include "base/conf.h"

enum {
	CONF_TEXT_MAX = 1 << 20, /* bytes of YAML */
	CONF_DEPTH_MAX = 16,
	CONF_NODES_MAX = 1 << 16,
	CONF_ALL_TEXT_MAX = 32 << 20, /* of several documents */
	CONF_ALL_NODES_MAX = 1 << 22,
	CONF_SHOWN_MAX = 48, /* bytes of a key or value in a message */
};

enum conf_kind {
	CONF_NODE_SCALAR,
	CONF_NODE_MAP,
	CONF_NODE_SEQUENCE,
	CONF_NODE_BROKEN, /* already reported: no second error about it */
};

struct conf_node {
	struct conf_node *made_before; /* all nodes of the tree, for conf_tree_close */
	struct conf_node *parent;
	struct conf_node *next; /* of the same map or list */
	struct conf_node *first, *last;
	struct conf_node *key; /* scalar, for the values of a map */
	uint32_t index;        /* in its map or list, from 0 */
	uint32_t line, column; /* from 1 */
	enum conf_kind kind;
	bool plain;        /* scalar without quotes */
	struct bytes text; /* scalar */
};

struct conf_tree {
	struct conf_node *root; /* NULL: empty text */
	struct conf_node *newest;
	uint32_t count;
};

/* Adds every error; reading goes on after what can be named and skipped (aliases, tags). Returns 0
 * if the whole text was read, -EINVAL if only a part up to an error. The caller closes the tree in
 * both cases. */
int conf_tree_open(struct conf_tree *t, struct bytes yaml, struct conf_errors *errors) NODISCARD;
/* Reads a text of several documents (---), which may be longer: their roots are linked by
 * `next`. */
int conf_tree_open_all(struct conf_tree *t, struct bytes yaml,
		       struct conf_errors *errors) NODISCARD;
void conf_tree_close(struct conf_tree *t);
/* The value of a key, or NULL. The first one where the key is there twice. */
const struct conf_node *conf_node_get(const struct conf_node *map, struct bytes key);
/* An empty value, "~" or "null": a key without anything behind it. */
bool conf_node_is_null(const struct conf_node *node);
/* Text of the file for a message: printable and not too long. */
void conf_text_show(struct writer *w, struct bytes text);
/* "networks[0].media_ports" */
void conf_node_path(struct writer *w, const struct conf_node *node);

/* One scalar of a configuration into its field, and what a field allows in words. Pure. */

/* Not for maps and lists. plain: without quotes in the text. Returns 0, -EINVAL or -ERANGE; the
 * field is unchanged on error. */
int conf_value_read(uint8_t *level, const struct conf_field *field, struct bytes text,
		    bool plain) NODISCARD;
/* One number of a CONF_U32_LIST. 0, -EINVAL or -ERANGE. */
int conf_number_read(uint32_t *out, const struct conf_field *field, struct bytes text) NODISCARD;
/* "a number from 1 to 65535" */
void conf_value_allowed(struct writer *w, const struct conf_field *field);
/* The preset, or zero without one. Asserts that the preset is allowed. */
void conf_value_preset(uint8_t *level, const struct conf_field *field);
/* Octets of the value at field->offset, without a list's count; 0 for a section, since its fields
 * have sizes of their own. */
size_t conf_value_size(const struct conf_field *field);
/* It has a count at field->count_offset. */
bool conf_value_is_list(const struct conf_field *field);

#endif
