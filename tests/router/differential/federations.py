"""Random federations: a few subgraphs that share entities, value types, an interface and a union, made from a seed.

Not all of them compose: a field may be out of reach. Those are of no use here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: '
    '["@key", "@shareable", "@external", "@requires", "@provides", "@override", "@interfaceObject"])\n'
)
LEAVES = ("Int", "String", "Float", "[Int!]", "Boolean!", "ID")


@dataclass
class Definition:
    """A type of one subgraph."""

    head: str
    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.head} {{ {' '.join(self.fields.values())} }}" if self.fields else self.head


@dataclass(frozen=True)
class Leaf:
    """A leaf field of an entity, and who resolves it."""

    entity: str
    name: str
    text: str
    argument: str
    owners: tuple[str, ...]


class FederationMaker:
    """Makes the schemas of one federation."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.subgraphs = [f"s{number}" for number in range(self.random.randint(2, 4))]
        self.entities = [f"E{number}" for number in range(self.random.randint(2, 4))]
        self.homes = {entity: self.some(self.subgraphs) for entity in self.entities}
        self.implementing = [entity for entity in self.entities if self.chance(0.5)]
        self.interface_homes = self.some(self.subgraphs)
        self.members = self.random.sample(self.entities, 2)
        self.types: dict[str, dict[str, Definition]] = {name: {} for name in self.subgraphs}
        self.leaves: list[Leaf] = []

    def make(self) -> dict[str, str]:
        """Return the SDL of each subgraph."""
        for entity in self.entities:
            self.add_keys(entity)
            self.add_leaves(entity)
            self.add_relations(entity)
            self.add_overrides(entity)
            self.add_requirements(entity)
        self.add_provisions()
        self.add_interface_object()
        self.add_roots()
        return {name: LINK + "\n".join(map(str, types.values())) for name, types in self.types.items()}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, names: list[str]) -> list[str]:
        return self.random.sample(names, self.random.randint(1, len(names)))

    def add_keys(self, entity: str) -> None:
        """The first home of an entity has all its keys, the others some."""
        first, *others = self.homes[entity]
        has_code, has_nested = self.chance(0.4), self.chance(0.25)
        fields = {"id": "id: ID!"}
        if has_code:
            fields["code"] = "code: ID!"
        if has_nested:
            fields["k"] = "k: K! @shareable"
            self.types[first]["K"] = Definition("type K @shareable", {"a": "a: ID!", "b": "b: Int"})
        keys = '@key(fields: "id")' + (' @key(fields: "code")' if has_code else "")
        self.types[first][entity] = Definition(f"type {entity} {keys}", fields)
        for position, home in enumerate(others):
            if has_nested and position == 0:
                nested = {"id": "id: ID!", "k": "k: K! @shareable"}
                self.types[home][entity] = Definition(f'type {entity} @key(fields: "id k {{ a }}")', nested)
                self.types[home].setdefault("K", Definition("type K @shareable", {"a": "a: ID!"}))
            else:
                key = "code" if has_code and self.chance(0.5) else "id"
                self.types[home][entity] = Definition(f'type {entity} @key(fields: "{key}")', {key: f"{key}: ID!"})

    def add_leaves(self, entity: str) -> None:
        homes = self.homes[entity]
        for number in range(self.random.randint(2, 4)):
            owners = self.random.sample(homes, min(len(homes), 1 if self.chance(0.7) else 2))
            argument = "(n: Int = 3)" if self.chance(0.2) else ""
            leaf = Leaf(entity, f"f{number}", self.random.choice(LEAVES), argument, tuple(owners))
            self.leaves.append(leaf)
            for owner in owners:
                text = f"{leaf.name}{argument}: {leaf.text}"
                self.types[owner][entity].fields[leaf.name] = text + (" @shareable" if len(owners) > 1 else "")

    def add_relations(self, entity: str) -> None:
        for number in range(self.random.randint(0, 3)):
            home = self.random.choice(self.homes[entity])
            self.types[home][entity].fields[f"r{number}"] = f"r{number}: {self.reference(home)}"

    def reference(self, home: str) -> str:
        """Return a composite type that a subgraph can give, in some list or none."""
        here = [entity for entity in self.entities if entity in self.types[home]]
        choice = self.random.random()
        if choice < 0.45 and here:
            name = self.random.choice(here)
        elif choice < 0.6 and self.has_union(home):
            name = "U"
        elif choice < 0.8 and self.has_interface(home):
            name = "I"
        else:
            name = self.value_type(home)
        return self.random.choice([name, f"[{name}]", f"[{name}!]!"])

    def has_union(self, home: str) -> bool:
        members = [entity for entity in self.members if entity in self.types[home]]
        if members:
            self.types[home]["U"] = Definition(f"union U = {' | '.join(members)}")
        return bool(members)

    def has_interface(self, home: str) -> bool:
        here = self.types[home]
        objects = [e for e in self.implementing if e in here and "id" in here[e].fields]
        if not objects or home not in self.interface_homes:
            return False
        here.setdefault("I", Definition("interface I", {"id": "id: ID!"}))
        for entity in objects:
            if "implements" not in here[entity].head:
                here[entity].head = here[entity].head.replace(entity, f"{entity} implements I", 1)
        return True

    def value_type(self, home: str) -> str:
        name = self.random.choice(["V", "W"])
        if name not in self.types[home]:
            fields = {"a": "a: Int"} | ({"b": "b: String"} if self.chance(0.7) else {})
            self.types[home][name] = Definition(f"type {name} @shareable", fields)
            if self.chance(0.3):
                self.types[home][name].fields[f"x{home}"] = f"x{home}: {self.reference(home)}"
        return name

    def add_requirements(self, entity: str) -> None:
        """A home may compute a field from leaves that others resolve, computed ones among them."""
        for home in self.homes[entity]:
            fields = self.types[home][entity].fields
            foreign = [leaf for leaf in self.leaves if leaf.entity == entity and leaf.name not in fields]
            if foreign and self.chance(0.6):
                picked = self.random.sample(foreign, min(len(foreign), self.random.randint(1, 2)))
                fields.update({leaf.name: f"{leaf.name}{leaf.argument}: {leaf.text} @external" for leaf in picked})
                needs = " ".join(
                    leaf.name + (f"(n: {self.random.randint(1, 2)})" if leaf.argument else "") for leaf in picked
                )
                name = f"q{home}"
                fields[name] = f'{name}: String @requires(fields: "{needs}")'
                self.leaves.append(Leaf(entity, name, "String", "", (home,)))

    def add_overrides(self, entity: str) -> None:
        """A home may take over a leaf of another, for all requests or for those with a label."""
        homes = self.homes[entity]
        for position, leaf in enumerate(self.leaves):
            others = [
                home for home in homes if home not in leaf.owners and leaf.name not in self.types[home][entity].fields
            ]
            if leaf.entity != entity or len(leaf.owners) > 1 or not others or not self.chance(0.2):
                continue
            taker = self.random.choice(others)
            label = self.random.choice(["", ', label: "alpha"', ', label: "beta"'])
            override = f'@override(from: "{leaf.owners[0]}"{label})'
            self.types[taker][entity].fields[leaf.name] = f"{leaf.name}{leaf.argument}: {leaf.text} {override}"
            self.leaves[position] = Leaf(entity, leaf.name, leaf.text, leaf.argument, (*leaf.owners, taker))

    def add_provisions(self) -> None:
        """A relation may bring leaves along that its home resolves nowhere else."""
        for home in self.subgraphs:
            for definition in list(self.types[home].values()):
                for name, text in list(definition.fields.items()):
                    target = text.split(": ")[-1].strip("[]!")
                    if name.startswith("r") and target in self.types[home] and self.chance(0.4):
                        self.provide(home, definition, name, target)

    def provide(self, home: str, definition: Definition, name: str, target: str) -> None:
        fields = self.types[home][target].fields
        foreign = [
            leaf
            for leaf in self.leaves
            if leaf.entity == target
            and len(leaf.owners) == 1
            and not leaf.argument
            and not leaf.name.startswith("q")
            and (leaf.name not in fields or "@external" in fields[leaf.name])
        ]
        if target not in self.entities or not foreign:
            return
        leaf = self.random.choice(foreign)
        fields[leaf.name] = f"{leaf.name}: {leaf.text} @external"
        (owner,) = leaf.owners
        owned = self.types[owner][target].fields
        if "@shareable" not in owned[leaf.name]:
            owned[leaf.name] += " @shareable"
        definition.fields[name] += f' @provides(fields: "{leaf.name}")'

    def add_interface_object(self) -> None:
        """Where all implementations are at home together, another subgraph may add to their interface."""
        complete = [home for home in self.interface_homes if self.can_be_entered(home)]
        apart = [home for home in self.subgraphs if not set(self.implementing) & set(self.types[home])]
        if complete and apart and self.implementing:
            for home in complete:
                self.types[home]["I"].head = 'interface I @key(fields: "id")'
            fields = {"id": "id: ID!", "io": "io(n: Int): Int", "next": "next: I"}
            if len(complete) == 1 and self.chance(0.5):
                for name in ("I", *self.implementing):
                    self.types[complete[0]][name].fields["label"] = "label: String"
                needing = 'computed: String @requires(fields: "label")'
                fields |= {"label": "label: String @external", "computed": needing}
            self.types[apart[0]]["I"] = Definition('type I @key(fields: "id") @interfaceObject', fields)

    def can_be_entered(self, home: str) -> bool:
        here = self.types[home]
        return "I" in here and all(e in here and '"id"' in here[e].head for e in self.implementing)

    def add_roots(self) -> None:
        for home in self.subgraphs:
            count = self.random.randint(1, 3)
            roots = {f"g{home}{n}": f"g{home}{n}: {self.reference(home)}" for n in range(count)}
            if "V" in self.types[home]:
                roots["shared"] = "shared: V @shareable"
            self.types[home]["Query"] = Definition("type Query", roots)


def make_federation(seed: int) -> dict[str, str]:
    """Return the SDL of each subgraph of a federation."""
    return FederationMaker(seed).make()
