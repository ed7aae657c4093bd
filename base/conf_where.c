/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a value, as conf_node_path writes it, back to its place in the text. */
#include <errno.h>
#include <stdlib.h>

#include "base/conf_tree.h"

/* One step of a path: "[0]", "key", or ".key" behind another. */
static const struct conf_node *step_take(const struct conf_node *node, struct bytes *path)
{
	struct bytes part;
	uint32_t index;
	size_t end;

	if (path->p[0] == '[') {
		end = bytes_find(*path, ']');
		if (end == path->n || bytes_u32(bytes_sub(*path, 1, end - 1), &index))
			return NULL;
		*path = bytes_from(*path, end + 1);
		for (node = node->first; node && node->index != index; node = node->next)
			continue;
		return node;
	}
	if (path->p[0] == '.')
		*path = bytes_from(*path, 1);
	end = bytes_find(*path, '.');
	if (bytes_find(*path, '[') < end)
		end = bytes_find(*path, '[');
	part = bytes_sub(*path, 0, end);
	*path = bytes_from(*path, end);
	return part.n ? conf_node_get(node, part) : NULL;
}

static int tree_where(const struct conf_tree *tree, struct bytes path, uint32_t *line,
		      uint32_t *column)
{
	const struct conf_node *node = tree->root;

	while (node && path.n)
		node = step_take(node, &path);
	if (!node)
		return -ENOENT;
	*line = node->line;
	*column = node->column;
	return 0;
}

int conf_where(struct bytes yaml, const char *path, uint32_t *line, uint32_t *column)
{
	struct conf_errors *errors = calloc(1, sizeof(*errors));
	struct conf_tree tree;
	int err;

	if (!errors)
		return -ENOMEM;
	err = conf_tree_open(&tree, yaml, errors);
	if (!err)
		err = tree_where(&tree, bytes_str(path), line, column);
	conf_tree_close(&tree);
	free(errors);
	return err ? -ENOENT : 0;
}
