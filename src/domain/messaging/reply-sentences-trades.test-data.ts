import { type Sentences, split } from './reply-sentences.test-data.ts';

/** What plumbers, movers, therapists and those who answer their phones write. */
export const trades: Sentences = {
  /** Revocations. */
  stop: split(`
    Hey take my cell off whatever list this is | Plz quit texting this line its my work phone
    This is a landline for my shop, do not text | Who gave you this number?? Do not use it again | Lose my digits
    I sold my plumbing company in March. Don't send these anymore
    My husband passed away, please stop texting his phone | Carlos doesn't work here anymore, take this number off
    No longer in business, please remove | I'm retired now so no more of these please
    Not doing this anymore, unsubscribe me pls | I've asked three times now. Stop.
    For the third time take me off!!! | How do I get off this list | how do i get these to stop
    how do I make you people stop texting me | How can I stop getting these
    What do I have to do to get you to stop | how do I opt out of this | How do I unsubscribe from this crap
    where do I unsubscribe | Can I unsubscribe | can I be taken off this list please | May I be removed?
    Could you guys please take my number off your system | Would you please remove this number from your records
    I do not wish to be on this list | I dont want to be on your list anymore | I dont wanna get these anymore
    i dont want no more texts | i aint interested quit texting me | aint interested, lose my number
    Not interested and please dont text me again | not interested, please take me off your list
    Not interested don't contact me again | No thanks. Please don't text again.
    No thank you and please remove my phone number | N and stop sending these | N. Stop | no and unsubscribe
    nope. remove me | Nah, take me off the list | Pass. And take me off | skip and stop texting
    I never signed up for this remove me | never signed up for this. Stop texting
    I did not sign up for these messages | i did not give you permission to text me
    I didn't give anyone permission to text me | You do not have my consent to text
    I revoke any consent I gave you | consider this my opt out | Consider this notice to stop
    This is my formal request to stop | please consider this my revocation of consent
    I am revoking permission for you to contact me | I withdraw my permission to be texted
    No consent given. Stop all communication | cease all communications with this number immediately
    Any further texts will be reported to the FCC | if you text me again I'm calling my lawyer
    Text me again and I'll report you | text me one more time and I will sue
    You text me again I will report you to the attorney general | This number is on the do not call registry
    I'm on the do not call list | My number is on the national do not call list, stop | DNC | do not call list
    put this number on do not contact | DO NOT TEXT THIS NUMBER | DON'T TEXT ME | dont ever text me again
    Dont ever message this number | never contact me again | Never text here again | No texting | no msgs
    no messages | no sms please | stop w these msgs | STOP!!!!!!!!!!!! | Stop ✋🏽 | 🛑✋ | stop. | Stop 🙄 | "STOP"
    'stop' | «STOP» | STOP - Joe's Roofing | STOP. Joe | Stop - Mike | Stop, this is Mike from A1 Movers
    Stop thank u | STOP TEXTING | STOP IT NOW | stopp | STOOOOOP | sotp | STPO | stoo | Stop! | stop, | s t o p
    S-T-O-P | S.T.O.P. | 5top | STOP ALL | STOP-ALL | stopall please | Opt-out | OPT OUT PLEASE | optout please
    opt me out | opt-me-out | I'm opting out | i would like to opt-out from the messages | Unsubscribe.
    UNSUBSCRIBE ME NOW | unsubsribe | Unsubcribe | unsubscribe!!!! | please unsub | Unsub me | unsubscribed please
    I unsubscribe | I am unsubscribing | Un-subscribe | un subscribe me | UNSUSCRIBE | UNSUBSCIRBE | cancel | CANCEL
    Cancel. | cancel these | cancel everything please | Cancel my acct | please cancel my account with you
    Cancel all future messages | Cancel me | cancel my number | Cancel texting | I'd like to cancel this service
    I need to cancel this subscription | End | END | end texts | End these messages | quit | QUIT | Quit it
    quit texting | Quit sending me these | Quit messaging me | REVOKE | revoke | Remove | remove. | REMOVE ME
    Remove my number please | remove my number from your system | remove this number | Remove us
    remove me from this list asap | Pls remove me thx | Remove this phone from your texting
    remove my info from your database please and thank you | take me off | Take me off please
    take my name off the list | take my # off | take this # off your list | Take our company off your list
    Take us off your list please we are closed | please take us out of your system | Get me off this
    get me off your list | Get us off this list | delete me please | Delete my contact | delete this contact
    Delete my number from your files | delete my number thank you | Erase my number | block me | Block this number
    please block me from your list | I'm blocking you | leave me alone | leave me the hell alone | leave me tf alone
    Go away | go away please | F off | fuck off | fuck you | Fuck off and stop texting | piss off
    Screw you stop texting me | shut up | enough | Enough already | ENOUGH! | enough with the texts | That's enough
    that's enough texts | no more | No more!! | No more please | no more texts pls | no more messages thank you
    no more leads | Please no more | no mas | Don't send me these | Dont send me any more of these
    don't send any more leads | please don't send me any more leads | do not send leads to this number
    Please do not send anything to this number | Dont send me nothing else | Dont text me no more
    dont text me nomore | don't hit me up again | do not reach out again | Please do not reach out to me again
    don't message me again bro | please don't bother me again | Please discontinue these text messages | discontinue
    discontinue texting me | I no longer want these | I no longer want to be part of this
    I don't want to receive leads anymore | I don't want leads anymore | I don't want any leads | I don't need leads
    I don't need any more leads, please stop | I do not want your leads | i dont want your leads anymore
    I don't want to do this anymore, take me off | We don't want these texts
    we are not interested in your service please remove us | We do not buy leads, please remove us
    we don't buy leads. Remove | I am not a plumber, please remove me
    I'm not a massage therapist, you have the wrong number. Remove me | wrong number. Take me off your list
    Wrong number please don't text again | Wrong person, stop texting | You got the wrong guy, quit texting
    this isn't Amy, stop | This is no longer Amy's number. Please remove it.
    this number belongs to someone else now please remove | New owner of this number, please remove | Yes remove me
    Yes, please remove me from the list | Yes, take me off | yes take my number off | yes stop
    Yes please stop texting | ok stop | OK. STOP | ok unsubscribe | Ok please take me off the list
    yes cancel please | yes I want to unsubscribe | Yes I would like to be removed
    Yes I'd like to stop receiving these | sure, take me off your list | Yes unsubscribe me please
    yeah no more texts | Yeah stop texting me | Yes delete my number | Hi please stop texting me thank you
    Hello, please remove my number from your contact list. Thank you. | Good morning, please take me off your list
    Good afternoon. Kindly remove my number. | Sir please remove me from your list
    Ma'am please stop sending me these | Bro stop | bruh stop | dude stop texting me | man quit it
    omg stop texting | lol stop | STOP lol | pls stop 😭 | please stop 🙏 | Plz stop | Please stop!!! | Stop please.
    please make it stop | make it stop | make this stop please | these need to stop | this needs to stop
    Texts need to stop | I need this to stop | I need these messages to stop | I want this to stop
    I want these texts to stop now | I would like these messages to stop | I would like for you to stop texting me
    I want you to stop texting my phone | i'd appreciate if you stop texting | I'd appreciate it if you would stop
    I'd appreciate you not texting me | I'd prefer not to get these | I prefer not to receive texts
    I prefer not to be contacted | I'd rather you didn't text me | please don't text me anymore im not in business
    Please do not contact me by text | Do not contact me by text or phone | don't contact me in any way
    do not contact me for any reason | I don't want to be texted | I dont like these texts
    Don't like getting these, take me off | I'm tired of these texts | tired of this stop | Sick of these messages
    i'm so sick of this spam remove me | Your texts are harassment. Stop | this is spam, remove me | spam stop
    Stop spam | STOP SPAMMING ME | reporting as spam and blocking | I will report this as spam if you text me again
    Stop you scammers | scam stop texting | stop scamming people | This is a scam take me off | kindly stop
    kindly unsubscribe me | Kindly delete my number from your records | Kindly take me off your mailing list
    Plz kindly remove my number | Please exclude me from future messages | exclude me from this
    Please exclude this number | suspend my account | Suspend these messages | close my account please
    Close my acct | deactivate me | deactivate | Deactivate my account please | Terminate | terminate this
    disenroll me | disenroll | unenroll | Unregister | unlist me please | turn these off | Turn this off
    Turn off these texts please | shut this off | Please turn off text alerts for my number
    Disconnect me from this | disconnect my number from this service | STOPTEXT | stop text | Stop msg | Stop mssgs
    stop sms | STOP SMS | stop promo | Stop notifications | stop alerts | stop leads | STOP LEADS
    stop sending leads | Stop all leads | Stop sending me jobs | Stop sending jobs | stop the leads please
    stop sending me inquiries | Stop inquiries | Stop w/ the client inquiries | no more client inquiries
    no more inquiries please | No more jobs please | stop now or i report you | stop immediately thank you
    stop at once | STOP IMMEDIATELY | Stop for good | stop forever | Stop permanently | Stop contacting my business
    stop contacting our business | stop texting my business line | Stop texting my wife
    stop texting my wifes phone | Stop texting my kid's phone | stop texting this phone its a kids phone
    Stop using my number | stop using this number | stop giving out my number | Stop sharing my number
    stop selling my info | Don't share my number | Please don't use my number | Stop blowing me up | stop bugging
    stop bothering me at work | Stop bothering us | Please leave us alone | STOP TEXTIN ME | stop txting
    STOP TXTN ME | stop messagin me | stop send me message | stop send me these | please stop send | no send me more
    No send more text | No want text | Please stop it | Stop that | stop doing that | Stop doing this
    stop this nonsense | stop this bs | Stop please I'm at work | stop I'm at work | I'm driving stop texting me
    I'm in the hospital please stop texting | I'm trying to sleep stop texting me | STOP its 3am | its 3 am stop
    Stop texting me at 3 in the morning | stop texting me at night | stop texting me this late
    Stop. I don't do massage anymore | stop i moved to texas | I moved out of state, please stop
    I moved to Georgia, remove me | I closed my business, remove my number | Business closed. Remove.
    We went out of business, please take us off | I quit massage, remove me | i quit the business please stop
    Not a contractor anymore. Stop | I am no longer a realtor, please remove me
    I don't do roofing anymore, please take me off | Stop pls wrong number | STOP wrong number
    please stop wrong person | who is this? stop texting me | Who dis. Stop
    who is this and how did you get my number? Remove it | How did you get my number? Delete it
    idk who this is but stop | I don't know you. Stop. | I don't know who this is, please remove my number
    Stop whoever this is | what is this? unsubscribe | Huh? Stop | Stop?! | Stop... | ..stop..
    STOP Sent from my Verizon, Samsung Galaxy smartphone | Stop | STOP. | sToP |  stop  | ​STOP​ | ＳＴＯＰ | 𝗦𝗧𝗢𝗣
    𝕊𝕋𝕆ℙ | 🅂🅃🄾🄿 | ⓢⓣⓞⓟ | S̶T̶O̶P̶ | stοp | STOP STOP STOP | stop stop | Stop stop texting | Stop means stop
    STOP MEANS STOP | I said stop texting | I said no more | i said no stop texting me | no means no stop
    i told you to stop | I already replied STOP | I already texted stop
    I replied stop already and you keep texting | I keep texting stop and you keep sending these | I sent STOP twice
    I texted stop last week | I already unsubscribed | I already opted out | I opted out already
    I unsubscribed yesterday and still get these | I asked to be removed | I asked to be taken off this list
    I've requested to be removed multiple times | We asked you to remove us
    why am I still getting these? I said stop | Why are you still texting me? I unsubscribed
    why do you keep texting me after I said stop | why do you keep texting me, stop
    Please respect my request and stop | please honor my opt out | Honor my stop request | Process my opt out
    opt out request | Stop request | removal request | Requesting removal | Requesting to be removed
    request to stop | Requesting removal from your list | I request that you stop
    I request to be deleted from your system | I demand you stop texting me | i demand to be removed | Kindly cease
    cease | Cease! | cease and desist texting me | desist | halt | EXIT | exit | leave group | leave the list
    Exit this | I want off this list | i want off | want off | I wanna be off this list | want to be removed
    Wish to unsubscribe | wish to be removed | like to be removed | Would like to opt out please
    would like to unsubscribe | trying to unsubscribe | Trying to opt out | Trying to get off this list
    GDPR delete my data | please delete all my personal data | Under CCPA delete my data
    I'm requesting deletion of my data | Delete all info you have on me | forget my number | forget about me
    Forget this number | Please forget my number | No more texts on this phone | No more texts at this number
    No more messages for me | No more messages in the future | no more leads in future | No more offers for me
    No more spam on my number | no more leads on my work phone | no more jobs at this number please`),
  /** Ordinary sentences with a word of revocation, and refusals that give a reason only. */
  never: split(`
    no more jobs in Miami | no more leads under $500 | no more leads over 20 miles | no more offers for today
    Skipping this one | We're booked out until next month | out sick | Miami is too far
    that's over an hour from me | we don't service that area | I don't work in Miami | We don't go to Miami
    I don't do deep tissue | we don't do roofing | we don't do that kind of work
    we dont do repairs only new installs | i dont do small jobs | Job too small | too small | Too small for us
    $20 is too much | 20 bucks for that? no thanks | 20 is too much for me | budget too low | Budget is too low
    their budget is too low | price too low | Not worth $20 | That won't work | won't work for me
    doesn't work for me | That time doesn't work | Time doesn't work for me | I don't work evenings
    I dont work nights | I don't work weekends | we are closed that day | Maybe next time | maybe another time
    next one | No, maybe next time | we're not taking new jobs | 🚫 | npe | someone else can have it
    Give it to someone else | let someone else have it | i have plans | I have a full schedule | we're full
    i have no time this week | Car broke down | I don't have a car right now
    I'm pregnant and not working right now | On leave | Only female clients | I only take female clients
    i only do women | We only do commercial | commercial only | I only work in Broward | only broward
    Is it a tree removal request? | junk removal request in Miami? | He's requesting removal of a wall
    Do they want the alarm deactivated? | I can deactivate the alarm first | Can they turn these off before I come
    Please have them turn the water off | Turn off the main valve first | they should shut this off at the main
    I have enough clients | that's enough info thanks | enough room for a truck?
    I don't need leads in Broward, only Dade | we don't need leads for roofing, only gutters
    I don't want leads over 30 miles | I don't need any more clients this week | I don't need leads today
    I don't want any jobs under 500 | no more jobs over 30 miles | no more jobs on Sundays please
    no more leads for today | I'm blocking off my calendar at 5 | blocking traffic here, give me 5
    I'll block that time and be there | block me out 2 hours | block the driveway?
    can you leave the gate open and leave this door unlocked | leave this with me | exit this way?
    should I exit at 41st | the client wants to be part of the session | I want to be on this list
    Put me on the list | I'd rather you text me | I'd rather not drive that far | I prefer not to work Sundays
    prefer not to be late | I want off street parking | want off days only | Get them to stop by the office
    tell her to stop at reception | can you ask them to stop by 5? | I wish you had more
    If you text me again tomorrow I can | Text me again tomorrow | text me again when there is a job in Broward
    Text me if there are any more messages from the client | Can you report the lead? the number is fake
    if the number is fake will you report them? | If they call again I'll text you the report
    I need one more text with the report | the next message has the police report number?
    Is the text from the attorney's office? | Is this the law office lead? I call attorneys all day
    call my lawyer friend, he needs one too | The client's number changed, delete it?
    I lost the phone, remove it from the sale? | is the number right? don't delete it
    Number is wrong on the lead. Can you remove it? | what's the phone number? drop it here
    should I drop it off? what's the number | the water heater needs to be disconnected | disconnect the old heater?
    do they need it disconnected first | Do they use it again? | don't use it yet | please don't use that entrance
    dont call it a deep tissue lol | don't text it, call | he said don't reach out before 5
    please dont reach out to the client before me | no send her my number | please switch them on | I want these
    I don't want to see anything else today | I don't want to get anything wrong | don't want to have any issues
    I don't need to see it | I don't like getting there late | Never get any leads | never get these in time
    I never see these on time | We don't want to have to wait | I stopped texting her | stopped by, no one home
    They text me stop signs lol | I text at stop lights sorry | how do I get the client to stop cancelling
    Can you get the dog to stop barking | cease fire lol | halt at the gate? | Terminate contract job?
    termite termination job? | is it an exit row door | unregistered vehicle? | Cancel my 3pm? I could
    dejar de recibir dinero no me gusta | no sigas derecho | es suficiente con una mesa
    Lo voy a reportar como completado`),
  /** Acceptances. */
  accept: split(`
    Y | y | Yes | YES | yes! | Yes. | Yes please | yes plz | yes pls | Yes ma'am | yes sir | Yessir | yessir
    Yes maam | yess | yesss | YESSS | yes yes | yes yes yes | Yup | yup | Yep | yep! | yeah | Yeah | yea | Yea
    Yass | Yeppers | yeah man | Yeah bro | Yeah sure | yeah I'll take it | Yes I'll take it | Yes I will take it
    yes i want it | Yes I want this one | yes I want it please | Yes I'm interested | Yes, interested
    I'm interested | im interested | Interested | interested | Interested yes | Definitely | definitely!
    Definitely yes | absolutely | Absolutely | Absolutely! | of course | Of course | For sure | for sure | fo sho
    Sure | sure | sure thing | Sure! | sure why not | Sure, send it | ok | OK | Ok | okay | Okay | okie | okey | k
    K | kk | ok yes | ok thanks | Ok thank you | Ok sounds good | Perfect, yes | Great yes | good yes | I'll take it
    ill take it | I'll take this one | I'll take that one | I will take it | I want it | i want it | I want this
    I want this one | I want this lead | I'm in | im in | count me in | Count me in | I'm down | im down
    Let's do it | lets do it | do it | Send it | send it | send it over | Send it to me | Send me the link
    send link | send the link | Send link please | link please | Unlock | unlock | UNLOCK | unlock it
    Unlock please | Please unlock | unlock lead_abc12345 | Y unlock | Unlock it please | accept | Accept | ACCEPT
    Accepted | I accept | i accept | claim | Claim it | I'll buy it | Buy | buy | buy it | I'll pay
    I'll pay the 20 | ok I'll pay $20 | yes $20 | Yes for $20 | y 20 | yes 20 is fine | Yes I'll pay | 👍 | 👍👍
    👍🏾 | 👍🏻👍🏻 | 👌 | 👌🏽 | ✅ | ✔️ | Y 👍 | yes 😊 | Yes 🙏🙏 | y! | Y. | Y, | "Y" | 'Y' | (Y) | Y) | *Y*
    Yes Sent from my Galaxy | Y - Amy | Yes - Amy's Massage | Yes, Amy | Hi yes | Hi, yes please
    Hello yes I am interested | Good morning yes | Good evening, yes please | Hey yes I'll take it | Y lead_abc12345
    yes lead_abc12345 | Lead lead_abc12345 yes | lead_abc12345 Y | yes please send | yes please send details
    Yes send the details | Yes send me the info | Yes please send me the contact info | Yes send me the client info
    Yes please unlock | Yes unlock | yes unlock contact details | yes I can do that | Yes I can do tonight
    Yes I can | yes I'm available | yes i am available | Yes available | Yes I'm free tonight | yes im free
    Yes, I can do 7pm | yes I can be there at 7 | Yes I can do it today | yes we can do this | Yes we can help
    Yes we do that | yes, I do deep tissue | Yes I would like this lead | Yes I'd like it | yes id love to
    I'd love to | Yes absolutely | yes definitely | yes of course | Yes ok | yes okay | Yes sure | Yes thanks
    yes thank you | yes thank you so much | Yes, thank you Amy | Yes no problem | yes no worries | No problem, yes
    no problem yes | ys | yse | yeas | Yes) | Yes/ | Yes thx | ＹＥＳ | 𝐘𝐄𝐒 | Y🏽 | affirmative | Affirmative
    Yes for sure | Hell yes | hell yeah | heck yes | Yes!! 🎉 | YES YES | yes asap | Yes right now | yes, now`),
  /** Refusals. */
  decline: split(`
    N | n | No | NO | no. | No! | nope | Nope. | nah | Nah bro | nah im good | No I'm good | no thx | No thanks
    No thank you | no ty | no tks | N thanks | N, thanks Amy | No, thank you though | No not this time
    not this one | Not this one thanks | not today | Not today sorry | not tonight | Not right now | not now
    Not at this time | Not interested | not intrested | Not interested in this one | not interested in this lead
    Not for me | not for me thanks | I'm not interested | im not interested | im good | I'm good | I'm good thanks
    im good on this one | I'm good for now | I'll pass | ill pass | I'll pass on this one | I will pass | gonna pass
    Gonna have to pass | Pass | pass | PASS | Pass on this | pass this time | Passing on this one | Hard pass | skip
    Skip | Skip this one | skip it | I'll skip | Can't | can't make it | Cant do it | can't do this one
    I can't tonight | cant tonight | Can't today sorry | Sorry can't | sorry cant do it | Sorry I can't
    Sorry, I'm booked | I'm booked | booked | fully booked | I'm fully booked today | we are booked solid
    all booked up | Already booked | I'm slammed this week | Slammed | I'm busy | busy | Busy tonight | im busy rn
    Too busy right now | I'm tied up | I am unavailable | Unavailable | not available | Not available tonight
    I'm not available then | not avail | Off today | I'm off today | I'm out of town | Out of town
    out of town till monday | I'm on vacation | I am on vacation this week | im sick | I'm sick today, can't
    Too far | too far for me | That's too far | it's too far away | Too far out | out of my area | Not my area
    outside my service area | Out of my range | I don't do that | too expensive | Too pricey | not worth it | no way
    Negative | negative | Decline | declined | I decline | I'll decline | I must decline | have to decline
    Decline thank you | Reject | No deal | no can do | No bueno | not gonna work | Too late for me | too late
    Too early | that's too late in the day | no evenings | Next time | another time | some other time | Rain check
    not this week | Not taking new clients | Not taking clients right now | not accepting new clients at the moment
    I'm not taking any more jobs this month | 👎 | 👎🏽 | ❌ | 🙅‍♀️ | 🙅 | No 🙏 | N 👎 | No lead_abc12345
    N lead_abc12345 | no lead_abc12345 thanks | Pass lead_abc12345 | no.thanks | NO THANKS!! | noo | nooo | Noooope
    nop | Nop | naw | Naw | nay | n/a | No sir | no ma'am | no man | No brother | no no | no no no | No way too far
    No, I cannot | no I can't | No sorry | no, sorry I'm with a client | No. Have a good day | no, have a great day
    Thanks but no thanks | thanks but no | Thanks but I'm booked | Thank you but not today | Appreciate it but no
    appreciate it but I'll pass | Unfortunately I'm not available | Unfortunately no | Unfortunately I can't
    unfortunately we are booked | I don't want it | Don't want it | dont want this one | I don't want this lead
    don't need it | I'd rather not | id rather not | I better not | I don't think so | dont think so
    I think I'll pass | think ill skip this one | I already have a client then | I already have plans
    Already have a job that day | My schedule is full | schedule full | No time | no time today | dont have time
    I don't have time | No car today | I hurt my back, can't | No men | no, only residential
    We're good, thanks | I'm good. Have a great day | I am uninterested | uninterested, thanks | I'm disinterested`),
  /** Questions, hesitation, terms, and talk about a yes. */
  unclear: split(`
    Good | All good | Good, send me the link | All good, send it | I'm good, send me the link | good thanks | too far?
    ? | ?? | What? | what | huh | Huh? | Who is this | who is this? | Who's this? | who dis | What is this
    What is this about? | whats this | How much | how much? | How much is it | How much does it cost? | is it free?
    Is this free | Do I have to pay? | why do I have to pay | Why $20? | 20 dollars for what | What do I get for $20
    what does unlock mean | how does this work | How does it work? | Is this real | is this a scam | Is this legit?
    Is this a real person | are you a bot | where is it | Where exactly? | Where in Miami | what part of Miami?
    What time | what time tonight? | When | when do they need it | What day? | Is it a man or woman?
    male or female | Is the client male or female? | house or apartment? | How big is the house | how many rooms
    How many square feet | What's the address | address? | phone number? | What's their number
    Can I call them first | can i talk to the client first | Can you call me | call me | Call me please
    Please call me | please call me at 305-555-0142 | Call me back | can we talk | Can I pay cash
    Do you take cash app | can i pay later | Can I pay after the job | Can you lower the price | can you do 10
    Can you do $10 | $10 | 10 | I'll give you 10 | how about 15 | 15? | Is it still available | still available?
    is this still open | Is that lead still available? | Did anyone take it | Did they already book
    how many people got this | Is this exclusive | How many others got this lead | refund? | Can I get a refund
    Refund please | I want a refund | I want my money back | the client didn't answer | number is disconnected
    they never answered | The link doesn't work | link not working | link expired | Your link is broken
    I can't open the link | cant pay | I can't pay with my card | card declined | My card was declined
    I paid already | I already paid | already paid | I paid but got nothing | Did you get my payment
    where are my details | I didn't get the details | I didn't get the info | Didn't get it | resend | Send again
    Please resend the link | send the link again | maybe | Maybe | Maybe yes | perhaps | possibly | Not sure
    not sure yet | I'm not sure | im not sure | let me think | Let me check | let me check my schedule | Let me see
    let me get back to you | I'll let you know | ill let you know | Will let you know | Give me 5 minutes | 5 min
    one sec | hold on | Wait | wait | hang on | give me a minute | Depends | depends on the time | It depends
    depends where | Can they do tomorrow | can they do tomorrow instead? | Can we do it tomorrow | tomorrow?
    Tomorrow works better | I can do tomorrow | I could do Friday | Friday? | After 8pm only | Only after 6
    I can do 9pm | what about 9? | Y or N | Y/N | y/n? | Yes or no | Y or N? | yes/no | yes and no | Yes, no
    Yes no maybe | yesno | yes but how much | Yes but not tonight | Yes but not today | yes but tomorrow
    Yes but what time? | Yes if they can do tomorrow | yes if it's not too far | Yes, if they pay cash
    yes only if its free | Yes if it's free | if its free yes | Yes but I won't pay | Yes but I don't want to pay
    yes but can I pay later | Yes, is it free? | Yes, where? | yes who is this | Yes who's this | Yes?? Who is this
    yes? how can i help you | Yes how can I help you? | Yes, this is Joe, who is this? | Yes this is she
    Yes speaking | Yes hello | hello? | Hello | Hi | hi | hey | Hey there | Good morning | good afternoon | thanks
    Thank you | thank you so much | thx | ty | ok what | Ok what's this | okay who is this | ok how much
    ok let me check | Ok let me think about it | ok maybe later | ok wait | ok but I can't today | Ok but not today
    ok I'm busy | ok no | ok never mind | Nevermind | never mind | no wait yes | No, I mean yes | yes wait no
    Y. Actually N | Yes actually no | n sorry y | no yes | yes no | Y N | Yes. No. Wait | I said yes by accident
    Oops wrong button | sorry wrong person | Wrong chat | wrong number | Wrong number? | You have the wrong number
    you have wrong number | who gave you my number | How did you get my number | Where did you get my number | lol
    LOL | haha | 😂 | 🤔 | 🤷 | 🤷‍♀️ | ❤️ | 😊 | . | .. | ... | - | ! | * | 1 | 2 | 0 | 7 | Y1 | test | Test
    testing | this is a test | Monday | 305-555-0142 | amy@example.com | https://example.com | Amy | Miami | massage
    Did I say yes? | Did I reply yes | I didn't say yes | I did not say yes | I never said yes | do not unlock
    Don't unlock | dont unlock it | Don't charge me | Do not charge my card | don't charge my card please
    Please dont charge me | I don't want to be charged | I will not pay $20 | im not paying for leads
    I'm not paying $20 | I don't pay for leads | Not paying that | i thought it was free | do I reply yes
    Should I say yes? | should i reply y | If I say yes what happens | what happens if I say yes
    What happens if I reply Y | if I say Y do I get charged | If I reply YES will you charge me?
    Will I be charged if I say yes | How do I say yes | does Y mean I pay? | is Y for yes
    What if I say yes and they don't answer | What if they say yes and cancel | he said yes | She said yes
    my wife said yes | the client said yes already | client cancelled | The client canceled on me
    My client just cancelled so I might be free | they cancelled | can the client cancel | Can I cancel later
    what if the client cancels | Can I still cancel after I pay? | ok cancel that | is there a cancellation fee
    I had to cancel my last job | The last client stopped answering | the last client stopped responding
    The leads stopped coming | why did the leads stop | Why did you stop sending me leads
    did you guys stop doing leads in Broward | I stopped getting leads | I stopped receiving your leads, why?
    I haven't gotten leads in a while, did you stop | don't stop sending these | Don't stop
    please don't stop sending leads | never stop | dont stop texting me, I want leads | I can stop by at 5
    I'll stop by tomorrow | Can I stop by to see it first | Can we stop by for an estimate | I'm at a stop light
    at the bus stop | pit stop then I'll answer | I need to stop for gas first
    Stopped at a client's, will check later | I don't have a truck stop near me | my next stop is in Miami
    What's the last stop | does the client want us to stop the leak tonight | need to stop a leak?
    is it to stop a roof leak | can stop the bleeding for now but needs a new roof
    stop and go traffic here, 20 min | I won't stop until it's done | we never stop working lol
    how do you stop a leaking pipe | Is the end of the month ok | at the end of the day | the end of the week works
    weekend only | is this the end unit | Does it include trash removal | Need help removing a tree?
    do they want the old carpet removed | is it to remove a tree | we remove junk | remove the old roof too?
    I can remove popcorn ceilings | Do they want everything removed | do you delete my card info
    Can I quit anytime | I quit my job to do this full time | quit my day job lol | my helper quit
    is there an opt in for more cities | can I get leads in Broward too | I want more leads | Send me more leads
    More leads please | I want leads in Orlando | how do I sign up my friend | change my number to 305-555-0177
    Change my email | update my address | I changed my number | new phone who dis | is there an app`),
  /** Autoresponders and delivery services. */
  auto: split(`
    I'm driving right now - I'll get back to you later. | I’m driving and can’t text right now.
    Auto-reply: I'm currently with a client. | Automatic reply: Out of office
    I am currently out of the office with limited access to email. I will respond when I return.
    Thanks for your message! We will get back to you as soon as possible.
    Thank you for contacting A1 Plumbing. Our office hours are Mon-Fri 8-5.
    Thanks for reaching out to Sunrise Movers! A team member will be with you shortly.
    Hi! You've reached Bella Spa. Please call 305-555-0142 to book.
    Sorry, I can't talk right now. I'll call you back later. | Sorry, can't talk right now. What's up?
    This number does not accept text messages. | This is an unmonitored mailbox. Please do not reply.
    Text messages to this number are not monitored. | Sorry, this number can't receive texts. Please call us.
    This is a landline and cannot receive text messages | Message could not be delivered
    Your message could not be sent. Error 1072 | Free Msg: Unable to send message - Message Blocking is active.
    FRM:Mail Delivery Subsystem | [Auto] I'm sleeping. Will reply in the morning.
    I have Do Not Disturb turned on. I'll see your message when I'm done.
    I’m not receiving notifications. If this is urgent, reply “urgent” to send a notification through with your original message.
    (I’m not receiving notifications. If this is urgent, reply "urgent" to send a notification through with your original message.)
    Amy has notifications silenced | Thanks for texting Joe's Roofing! Reply STOP to unsubscribe.
    Welcome to Joe's Roofing alerts! Msg & data rates may apply. Reply HELP for help, STOP to cancel.
    You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.
    You are now unsubscribed from Gold Touch and will receive no more messages.
    You have been opted out. No further messages will be sent. | You're unsubscribed. Reply START to resume.
    NETWORK MSG: You have replied with the word "stop" which blocks all texts sent from this number. Text back "unstop" to receive messages again.
    Thank you for subscribing! Reply Y to confirm. | Reply YES to confirm your appointment with Dr. Smith on Friday.
    Reply Y to confirm and STOP to end | Please reply YES to confirm or NO to cancel. | To confirm your appointment reply C. Reply STOP to opt out.
    Your appointment has been confirmed for Monday at 3 PM. | Your package will be delivered today.
    Your verification code is 482913 | Estoy manejando, te llamo luego.
    Estamos cerrados. Nuestro horario es de lunes a viernes.
    Hi, thanks for your text. We are closed for the holiday and will reopen Monday.
    We're closed right now. We'll reply during business hours.
    Thanks for contacting us. Yes, we are open! Book online at https://example.com
    Yes! We received your message and will be in touch. | OK, thanks for your message. An agent will respond soon.
    Got your message! I'll reply as soon as I'm free.
    Hey, I'm with a client right now but will get back to you soon!
    I'm on a job site and will text you back this evening. | The customer you are trying to reach is not available.
    Your message was received. Case #48213 has been created. | Ticket #48213: your request has been received.
    This phone number is no longer in service. | The number you have texted is not in service
    Currently away. Be back Monday. | Sorry we missed your call! How can we help you?`),
};
