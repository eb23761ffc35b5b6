// SPDX-License-Identifier: Apache-2.0
/*
 * fake_btf FROM TO shift|hide STRUCT... - a kernel's types as another kernel may have laid them out.
 *
 * shift: every member of the structures lies 64 bytes behind where it is; hide: it has another name.
 * Structures within them that have no name count as theirs. The format is that of the kernel's
 * Documentation/bpf/btf.rst.
 */
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHIFT_BITS = 64 * 8
};

static char *data, *strings;
static struct btf_header *header;

static int read_all(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = 64 << 20;

	data = malloc(size);
	if (!file || !data)
		return -1;
	size = fread(data, 1, size, file);
	fclose(file);
	header = (void *)data;
	if (size < sizeof(*header) || header->magic != BTF_MAGIC ||
	    size < (size_t)header->hdr_len + header->str_off + header->str_len)
		return -1;
	strings = data + header->hdr_len + header->str_off;
	return 0;
}

static int write_all(const char *path)
{
	size_t size = (size_t)header->hdr_len + header->str_off + header->str_len;
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, size, file) != size)
		return -1;
	return fclose(file);
}

/* What follows the fixed part of a type. */
static size_t bytes_behind(const struct btf_type *type)
{
	size_t count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case 17: /* a declaration's tag */
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return count * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return count * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return count * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return count * sizeof(struct btf_var_secinfo);
	case 19: /* an enumeration of 64 bits */
		return count * 12;
	default:
		return 0;
	}
}

static struct btf_type *next_type(struct btf_type *type)
{
	return (void *)((char *)(type + 1) + bytes_behind(type));
}

static struct btf_type *first_type(void)
{
	return (void *)(data + header->hdr_len + header->type_off);
}

static int is_end(const struct btf_type *type)
{
	return (const char *)type >= data + header->hdr_len + header->type_off + header->type_len;
}

static struct btf_type *type_by_id(unsigned int id)
{
	struct btf_type *type = first_type();

	while (--id && !is_end(type))
		type = next_type(type);
	return type;
}

static int is_unnamed_part(const struct btf_member *member)
{
	const struct btf_type *type = type_by_id(member->type);
	unsigned int kind = BTF_INFO_KIND(type->info);

	return !strings[member->name_off] && (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION);
}

static void shift(struct btf_type *type)
{
	struct btf_member *members = (void *)(type + 1);

	for (unsigned int i = 0; i < BTF_INFO_VLEN(type->info); i++)
		members[i].offset += SHIFT_BITS; /* the size of a bit field lies above it */
	type->size += SHIFT_BITS / 8;
}

/* All take the name of the structure: what is asked for is not among them. */
static void hide(struct btf_type *type, unsigned int name)
{
	struct btf_member *members = (void *)(type + 1);

	for (unsigned int i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		if (is_unnamed_part(&members[i]))
			hide(type_by_id(members[i].type), name);
		else
			members[i].name_off = name;
	}
}

int main(int argc, char **argv)
{
	int changed = 0;

	if (argc < 5 || read_all(argv[1])) {
		fprintf(stderr, "usage: fake_btf FROM TO shift|hide STRUCT...\n");
		return 2;
	}
	for (struct btf_type *type = first_type(); !is_end(type); type = next_type(type)) {
		if (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT)
			continue;
		for (int i = 4; i < argc; i++) {
			if (strcmp(strings + type->name_off, argv[i]))
				continue;
			if (!strcmp(argv[3], "shift"))
				shift(type);
			else
				hide(type, type->name_off);
			changed++;
		}
	}
	if (changed != argc - 4) {
		fprintf(stderr, "fake_btf: %d structures of that name\n", changed);
		return 1;
	}
	return write_all(argv[2]) ? 1 : 0;
}
