"""The operations that a shop's front end sends, as the journey uses them."""

from __future__ import annotations

from typing import Final

_ERRORS: Final = "errors { code message }"
_MONEY: Final = "{ amount currency }"
_CHECKOUT: Final = f"""
    checkout {{
      id
      total {{ net {_MONEY} tax {_MONEY} gross {_MONEY} }}
      reservation {{ expiresAt }}
      availableShippingMethods {{ name price {_MONEY} method {{ id name }} }}
    }}
    {_ERRORS}
"""

REGISTER: Final = f"""
  mutation Register($input: UserRegisterInput!) {{
    userRegister(input: $input) {{ user {{ id email }} {_ERRORS} }}
  }}
"""

LOG_IN: Final = f"""
  mutation LogIn($email: String!, $password: String!) {{
    userLogin(email: $email, password: $password) {{ accessToken refreshToken expiresIn {_ERRORS} }}
  }}
"""

ME: Final = "query Me { me { id name email } }"

CATEGORIES: Final = "query Categories { categories(first: 50) { totalCount nodes { slug name } } }"

CATEGORY_PAGE: Final = f"""
  query CategoryPage($slug: String!) {{
    products(first: 24, where: {{ category: $slug }}) {{
      totalCount
      nodes {{ slug name priceRange {{ minimum {_MONEY} onSale }} availability {{ inStock }} }}
    }}
  }}
"""

SHELF: Final = "query Shelf { products(first: 20) { nodes { name } } }"

SEARCH: Final = f"""
  query Search($query: String!) {{
    productSearch(query: $query, first: 10) {{
      totalCount
      nodes {{ slug name priceRange {{ minimum {_MONEY} }} availability {{ inStock }} }}
    }}
  }}
"""

PRODUCT_PAGE: Final = f"""
  query ProductPage($slug: String!) {{
    product(slug: $slug) {{
      id
      name
      description
      category {{ name }}
      availability {{ inStock quantityAvailable }}
      variants {{ sku name price {_MONEY} availability {{ inStock quantityAvailable }} }}
      recommendations(first: 6) {{
        reason
        product {{
          slug
          name
          variants {{ sku price {_MONEY} availability {{ inStock }} }}
        }}
      }}
    }}
  }}
"""

CART_CREATE: Final = f"""
  mutation CartCreate($currency: CurrencyCode!) {{ cartCreate(currency: $currency) {{ cart {{ id }} {_ERRORS} }} }}
"""

CART_LINES_ADD: Final = f"""
  mutation CartLinesAdd($id: ID!, $lines: [CartLineInput!]!) {{
    cartLinesAdd(id: $id, lines: $lines) {{
      cart {{
        id
        subtotal {_MONEY}
        lines {{ sku name quantity unitPrice {_MONEY} variant {{ availability {{ quantityAvailable }} }} }}
      }}
      {_ERRORS}
    }}
  }}
"""

CHECKOUT_CREATE: Final = f"""
  mutation CheckoutCreate($cartId: ID!, $email: String) {{
    checkoutCreate(cartId: $cartId, email: $email) {{ {_CHECKOUT} }}
  }}
"""

SHIPPING_ADDRESS_SET: Final = f"""
  mutation ShippingAddressSet($id: ID!, $address: ShippingAddressInput!) {{
    checkoutShippingAddressSet(id: $id, address: $address) {{ {_CHECKOUT} }}
  }}
"""

SHIPPING_METHOD_SET: Final = f"""
  mutation ShippingMethodSet($id: ID!, $methodId: ID!) {{
    checkoutShippingMethodSet(id: $id, methodId: $methodId) {{ {_CHECKOUT} }}
  }}
"""

CHECKOUT_COMPLETE: Final = f"""
  mutation CheckoutComplete($id: ID!, $input: CheckoutCompleteInput!, $key: String!) {{
    checkoutComplete(id: $id, input: $input, idempotencyKey: $key) {{ order {{ id number status }} {_ERRORS} }}
  }}
"""

ORDER: Final = f"""
  query FollowOrder($id: ID!) {{
    order(id: $id) {{
      number
      status
      payments {{ status amount {_MONEY} }}
      shipments {{ status carrier trackingNumber }}
      timeline {{ kind at }}
    }}
  }}
"""

INBOX: Final = """
  query Inbox { me { notifications(first: 10) { unreadCount nodes { topic subject } } } }
"""

ACCOUNT: Final = """
  query Account {
    me {
      orders(first: 5) { nodes { number status } }
      recommendations(first: 6) { reason product { name } }
    }
  }
"""
