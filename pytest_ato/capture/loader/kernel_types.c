// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's type information, cut down to what an object's relocations can ask for. libbpf
 * searches all types for each structure that a program reads, and a kernel has over 100,000 of
 * them; of those with a name that the object uses, there are some dozens.
 *
 * A type that is kept is kept whole, with what lies in it; of a pointer only that it is one, since
 * relocations do not follow it. Types of the same name are all kept, so libbpf has the same choice.
 */
#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 4096 /* for names; a power of two */
#define ROOM (4 << 20) /* for what is kept: as much as a whole kernel's, which it never is */
#define LAST_KIND BTF_KIND_ENUM64

struct blob {
	const char *types;
	uint32_t size;
	const char *names;
	uint32_t names_size;
};

struct names {
	const char *name[SLOTS];
	size_t length[SLOTS];
	size_t count;
};

struct cut {
	struct blob from;
	uint32_t count;
	uint32_t *at; /* by number: the type's place */
	uint32_t *number; /* by number: the new number; 0: not kept */
	uint32_t *kept; /* by new number: the old one */
	uint32_t kept_count;
	char *names;
	uint32_t names_size, names_room;
};

static bool open_blob(struct blob *blob, const char *data, size_t size)
{
	const struct btf_header *head = (const void *)data;
	uint64_t body;

	if (size < sizeof(*head) || head->magic != BTF_MAGIC || head->hdr_len < sizeof(*head) ||
	    head->hdr_len > size || (head->hdr_len | head->type_off) % 4)
		return false;
	body = size - head->hdr_len;
	if ((uint64_t)head->type_off + head->type_len > body ||
	    (uint64_t)head->str_off + head->str_len > body || !head->str_len)
		return false;
	blob->types = data + head->hdr_len + head->type_off;
	blob->size = head->type_len;
	blob->names = data + head->hdr_len + head->str_off;
	blob->names_size = head->str_len;
	return !blob->names[blob->names_size - 1];
}

/* Bytes of a type; 0: of a kind that is not known. */
static uint32_t type_size(const struct btf_type *type)
{
	uint32_t many = BTF_INFO_VLEN(type->info), more = 0;

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		more = 4;
		break;
	case BTF_KIND_ARRAY:
		more = sizeof(struct btf_array);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		more = many * sizeof(struct btf_member);
		break;
	case BTF_KIND_ENUM:
		more = many * sizeof(struct btf_enum);
		break;
	case BTF_KIND_ENUM64:
		more = many * sizeof(struct btf_enum64);
		break;
	case BTF_KIND_FUNC_PROTO:
		more = many * sizeof(struct btf_param);
		break;
	case BTF_KIND_DATASEC:
		more = many * sizeof(struct btf_var_secinfo);
		break;
	case BTF_KIND_UNKN:
		return 0;
	default:
		if (BTF_INFO_KIND(type->info) > LAST_KIND)
			return 0;
	}
	return sizeof(*type) + more;
}

/* The type at a place, or NULL where the blob ends in it or its kind is not known. */
static const struct btf_type *type_in(const struct blob *blob, uint32_t at)
{
	const struct btf_type *type = (const void *)(blob->types + at);
	uint32_t size;

	if (blob->size - at < sizeof(*type))
		return NULL;
	size = type_size(type);
	if (!size || size > blob->size - at || type->name_off >= blob->names_size)
		return NULL;
	return type;
}

/* Whether relocations look for a type of this kind by its name. */
static bool sought(const struct btf_type *type)
{
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return type->name_off;
	}
	return false;
}

/* Bytes of a name up to "___", which parts it from what tells it from others of that name. */
static size_t essential(const char *name, uint32_t *hash)
{
	size_t i;

	*hash = 2166136261u;
	for (i = 0; name[i]; i++) {
		if (i && name[i] == '_' && name[i + 1] == '_' && name[i + 2] == '_')
			break;
		*hash = (*hash ^ (uint8_t)name[i]) * 16777619u;
	}
	return i;
}

/* The slot of a name, or the empty one where it would be. */
static uint32_t slot_of(const struct names *names, const char *name, size_t *length)
{
	uint32_t slot;

	*length = essential(name, &slot);
	for (slot %= SLOTS; names->name[slot]; slot = (slot + 1) % SLOTS)
		if (names->length[slot] == *length && !memcmp(names->name[slot], name, *length))
			break;
	return slot;
}

static bool collect_names(struct names *names, const struct blob *object)
{
	uint32_t at, slot;
	size_t length;

	for (at = 0; at < object->size;) {
		const struct btf_type *type = type_in(object, at);

		if (!type)
			return false;
		if (sought(type)) {
			slot = slot_of(names, object->names + type->name_off, &length);
			if (!names->name[slot] && ++names->count > SLOTS / 2)
				return false;
			names->name[slot] = object->names + type->name_off;
			names->length[slot] = length;
		}
		at += type_size(type);
	}
	return true;
}

static const struct btf_type *type_of(const struct cut *cut, uint32_t old)
{
	return (const void *)(cut->from.types + cut->at[old]);
}

/* Keep a type; returns its new number. 0 is void, and of a type that does not exist. */
static uint32_t keep(struct cut *cut, uint32_t old)
{
	if (!old || old > cut->count)
		return 0;
	if (!cut->number[old]) {
		cut->number[old] = ++cut->kept_count;
		cut->kept[cut->kept_count] = old;
	}
	return cut->number[old];
}

static bool index_types(struct cut *cut, const struct names *names)
{
	const struct btf_type *type;
	size_t length;
	uint32_t at;

	for (at = 0; at < cut->from.size; at += type_size(type)) {
		type = type_in(&cut->from, at);
		if (!type)
			return false;
		cut->at[++cut->count] = at;
		if (sought(type) &&
		    names->name[slot_of(names, cut->from.names + type->name_off, &length)])
			keep(cut, cut->count);
	}
	return true;
}

static bool copy_name(struct cut *cut, uint32_t *offset)
{
	const char *name = cut->from.names + *offset;
	size_t size;

	if (*offset >= cut->from.names_size)
		return false;
	if (!*name) {
		*offset = 0;
		return true;
	}
	size = strlen(name) + 1;
	if (size > cut->names_room - cut->names_size)
		return false;
	memcpy(cut->names + cut->names_size, name, size);
	*offset = cut->names_size;
	cut->names_size += size;
	return true;
}

/* Number a copied type's references anew, and keep what they lead to. */
static bool translate(struct cut *cut, struct btf_type *type)
{
	uint32_t i, many = BTF_INFO_VLEN(type->info);
	struct btf_member *members = (void *)(type + 1);
	struct btf_enum64 *wide = (void *)(type + 1);
	struct btf_enum *values = (void *)(type + 1);
	struct btf_array *array = (void *)(type + 1);

	if (!copy_name(cut, &type->name_off))
		return false;
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_PTR:
		type->type = 0;
		return true;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (i = 0; i < many; i++) {
			members[i].type = keep(cut, members[i].type);
			if (!copy_name(cut, &members[i].name_off))
				return false;
		}
		return true;
	case BTF_KIND_ENUM:
		for (i = 0; i < many; i++)
			if (!copy_name(cut, &values[i].name_off))
				return false;
		return true;
	case BTF_KIND_ENUM64:
		for (i = 0; i < many; i++)
			if (!copy_name(cut, &wide[i].name_off))
				return false;
		return true;
	case BTF_KIND_ARRAY:
		array->type = keep(cut, array->type);
		array->index_type = keep(cut, array->index_type);
		return true;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		type->type = keep(cut, type->type);
		return true;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return true;
	}
	return false; /* nothing else lies in a structure */
}

/* Write the kept types to `out`; returns their bytes, 0 where there is no room or an odd type. */
static size_t write_types(struct cut *cut, char *out, size_t room)
{
	struct btf_header *head = (void *)out;
	size_t used = sizeof(*head);
	uint32_t next, size;

	if (room < used)
		return 0;
	for (next = 1; next <= cut->kept_count; next++) { /* more come while they are translated */
		const struct btf_type *type = type_of(cut, cut->kept[next]);

		size = type_size(type);
		if (size > room - used)
			return 0;
		memcpy(out + used, type, size);
		if (!translate(cut, (void *)(out + used)))
			return 0;
		used += size;
	}
	if (cut->names_size > room - used)
		return 0;
	memcpy(out + used, cut->names, cut->names_size);
	*head = (struct btf_header){
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(*head),
		.type_len = used - sizeof(*head),
		.str_off = used - sizeof(*head),
		.str_len = cut->names_size,
	};
	return used + cut->names_size;
}

static size_t cut_types(const char *kernel, size_t kernel_size, const struct names *names, char *out)
{
	struct cut cut = { .names_size = 1, .names_room = ROOM };
	size_t size = 0, most;

	if (!open_blob(&cut.from, kernel, kernel_size))
		return 0;
	most = cut.from.size / sizeof(struct btf_type) + 1;
	cut.at = malloc(most * sizeof(*cut.at));
	cut.number = calloc(most, sizeof(*cut.number));
	cut.kept = malloc(most * sizeof(*cut.kept));
	cut.names = calloc(1, ROOM);
	if (cut.at && cut.number && cut.kept && cut.names && index_types(&cut, names))
		size = write_types(&cut, out, ROOM);
	free(cut.at);
	free(cut.number);
	free(cut.kept);
	free(cut.names);
	return size;
}

/* A file's bytes, mapped where that can be (Linux 6.16 for the kernel's own), else read. */
static char *contents(int fd, size_t size)
{
	char *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	size_t at = 0;
	ssize_t n;

	if (data != MAP_FAILED)
		return data;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return NULL;
	while (at < size && (n = pread(fd, data + at, size - at, at)) > 0)
		at += n;
	if (at == size)
		return data;
	munmap(data, size);
	return NULL;
}

/*
 * Write to the file `to` what an object, whose type information is `object`, needs of the kernel's
 * in the file `from`. False where either is not understood, and `to` is of no use then.
 */
bool ato_cut_types(int from, const char *object, size_t object_size, int to)
{
	struct names *names = calloc(1, sizeof(*names));
	char *out = malloc(ROOM), *kernel = NULL;
	size_t size = 0;
	struct blob blob;
	struct stat status;

	if (names && out && !fstat(from, &status))
		kernel = contents(from, status.st_size);
	if (kernel) {
		if (open_blob(&blob, object, object_size) && collect_names(names, &blob))
			size = cut_types(kernel, status.st_size, names, out);
		munmap(kernel, status.st_size);
	}
	size = size && write(to, out, size) == (ssize_t)size ? size : 0;
	free(names);
	free(out);
	return size;
}
