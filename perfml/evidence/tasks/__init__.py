"""What tasks need that are done beside each other, in processes which see the same folders; whoever does them."""
