# LemonLDAP::NG's portal with two users in it. Its configuration is where LLNG_DEFAULTCONFFILE says.
use strict;
use warnings;

# What would draw captchas. No form here has one.
BEGIN { $INC{$_} = __FILE__ for 'GD/SecurityImage.pm', 'Image/Magick.pm' }
use Lemonldap::NG::Portal::UserDB::Demo;
use Lemonldap::NG::Portal::Main;

no warnings 'once';
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts =
  map { $_ => { uid => $_, cn => "Name of $_", mail => "$_\@example.com" } } qw(ada grace);
%Lemonldap::NG::Portal::UserDB::Demo::demoGroups = ( users => [qw(ada grace)] );

Lemonldap::NG::Portal::Main->run( {} );
