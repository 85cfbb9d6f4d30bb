"""Tables of the sample data: what they are called, their columns and the values in them.

Some tables are held out: no training row names them, nor the columns that only they have.
"""

from dataclasses import dataclass, field

NAMES = "Ada Ben Carla Dmitri Elif Femi Grace Hugo Ines Jonas Kemal Lena Marco Nadia Omar Paula"
PLACES = "Oslo Lima Cairo Boston Nairobi Kyoto Madrid Quito Delhi Perth Tunis Riga Seoul Accra"
COUNTRIES = (
    "France Japan Brazil Kenya Canada India Norway Chile Egypt Spain Poland Ghana Peru Italy"
)
WORDS = (
    "Aurora Beacon Cobalt Delta Ember Falcon Granite Harbor Indigo Jasper Krypton Lotus Meridian"
)
COLORS = "red blue green black white yellow silver orange"
GRADES = "bronze gold basic premium standard junior senior expert"

# Text columns by name; a table's own kinds ("type", "genre", ...) stand with the table.
TEXTS = {
    "name": NAMES, "city": PLACES, "country": COUNTRIES, "nationality": COUNTRIES, "color": COLORS,
    "title": WORDS, "brand": WORDS, "label": WORDS, "level": GRADES, "status": "open closed new",
    "hometown": PLACES, "location": PLACES, "owner": NAMES, "model": WORDS, "origin": COUNTRIES,
    "manager": NAMES, "region": "north south east west", "material": "oak steel wool",
    "language": "English Arabic Hindi Spanish Turkish", "shift": "morning evening night",
}  # fmt: skip
# Number columns by name: the smallest and the largest value.
NUMBERS = {
    "age": (18, 80), "price": (5, 900), "salary": (900, 9000), "year": (1950, 2024),
    "weight": (2, 900), "height": (10, 300), "length": (3, 500), "rating": (1, 10),
    "capacity": (20, 9000), "stock": (0, 500), "budget": (100, 9000), "population": (200, 90000),
    "distance": (5, 4000), "score": (1, 100), "duration": (5, 300), "floors": (1, 60),
    "points": (0, 200), "pages": (40, 900), "speed": (5, 400), "wins": (0, 60), "goals": (0, 50),
    "cost": (10, 5000), "seats": (2, 400), "area": (10, 5000), "experience": (0, 40),
    "members": (3, 400), "sales": (5, 8000), "income": (900, 9000), "depth": (1, 900),
    "rooms": (1, 300), "revenue": (100, 9000), "attendance": (50, 9000), "net_worth": (1, 500),
    "visitors": (10, 9000), "calories": (20, 900),
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table with the words a question uses for its rows."""

    name: str
    singular: str
    plural: str
    texts: dict[str, list[str]]
    numbers: dict[str, tuple[int, int]]
    # The table whose `id` this one refers to in the column `NAME_id`, if any.
    parent: str | None = None
    held_out: bool = False
    key: str = field(init=False, default="name")

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", next(iter(self.texts)))


def _table(line: str, held_out: bool) -> Table:
    """`table plural [< parent]: columns`; a column `kind=a/b/c` brings its own values."""
    head, columns = line.split(": ")
    words, _, parent = head.partition(" < ")
    name, plural = words.split()
    texts, numbers = {}, {}
    for column in columns.split():
        column, _, own = column.partition("=")
        if own:
            texts[column] = own.split("/")
        elif column in TEXTS:
            texts[column] = TEXTS[column].split()
        else:
            numbers[column] = NUMBERS[column]
    singular = name.replace("_", " ")
    return Table(name, singular, plural.replace("_", " "), texts, numbers, parent or None, held_out)


TRAINING = """\
department departments: name city manager budget floors
employee employees < department: name city level age salary experience
head heads: name nationality age experience
school schools: name city region capacity year
student students < school: name hometown level age score height
teacher teachers < school: name subject=maths/physics/art/music age salary
team teams: name city manager budget year
player players < team: name position=keeper/defender/striker nationality age goals height weight
coach coaches < team: name nationality age wins
store stores: name city manager area sales
product products < store: name color brand price weight stock
customer customers: name city country age income
invoice invoices < customer: status region price year
author authors: name nationality language age
book books < author: title genre=fantasy/history/crime/poetry language pages price year
film films: title genre=drama/comedy/horror country duration budget rating year
museum museums: name city country area capacity year
painting paintings < museum: title style=cubist/baroque/modern owner price height year
airport airports: name city country capacity
flight flights < airport: origin airline=Skyway/Nimbus/Aero distance duration price
car cars: model brand color price speed weight year
driver drivers: name nationality age wins points
farm farms: name region owner area
animal animals < farm: name species=goat/sheep/cow/horse color age weight
city cities: name country region population area
building buildings < city: name style=gothic/modern/brutalist height floors year
hospital hospitals: name city capacity budget
doctor doctors < hospital: name specialty=surgery/cardiology/oncology age salary experience
patient patients: name city age weight height
course courses: title language level duration price
phone phones: model brand color price weight year
ship ships: name origin type=ferry/tanker/yacht length speed year
bridge bridges: name location material length year cost
club clubs: name city manager members year
house houses: owner city color price area rooms
garden gardens: name location area visitors
tree trees < garden: species=oak/maple/pine origin height age
game games: title genre=puzzle/racing/strategy rating price year
worker workers: name shift level age salary
project projects: title status manager budget duration
lake lakes: name country region depth area
dish dishes: name origin course=starter/main/dessert price calories
train trains: name origin operator=Nordrail/Express/Metro speed seats distance
company companies: name country manager revenue year
laptop laptops < company: model color price weight rating
event events: title city status attendance cost year
swimmer swimmers: name nationality age points
rider riders: name hometown age wins weight
camera cameras: model brand price weight
dog dogs: name breed=poodle/beagle/collie color age weight
"""
HELD_OUT = """\
singer singers: name country nationality age net_worth
concert concerts: title location status attendance price year
restaurant restaurants: name city cuisine=Thai/Greek/Mexican rating seats
chef chefs < restaurant: name nationality age salary
library libraries: name location area visitors
volunteer volunteers < library: name hometown shift age experience
aircraft aircraft: model brand range_class=short/medium/long speed seats
mountain mountains: name country range=Alps/Andes/Atlas height
climber climbers < mountain: name nationality age score
festival festivals: title region organizer=Lumen/Kora/Vesta attendance revenue year
wine wines: name origin grape=Merlot/Syrah/Riesling price rating year
violin violins: owner material label length price
tenant tenants: name city occupation=baker/nurse/pilot age income
parcel parcels: status region courier=Swift/Hermes/Colis weight distance cost
novel novels: title language publisher=Orion/Vintage/Penguin pages sales
"""

TABLES = {
    table.name: table
    for text, held_out in ((TRAINING, False), (HELD_OUT, True))
    for table in (_table(line, held_out) for line in text.splitlines())
}
