"""A still picture that speaks: lips and jaw, teeth and tongue, and a life of its own."""
