/** What buyers and machines write, as data of the test beside it: sentences, separated by bars. */
export type Sentences = Readonly<
  Record<'stop' | 'never' | 'accept' | 'decline' | 'unclear' | 'auto', readonly string[]>
>;

export const split = (text: string): string[] =>
  text
    .split(/[|\n]/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');

export const english: Sentences = {
  /** Revocations. */
  stop: split(`
    STOP | stopall | Stop all | UNSUBSCRIBE | unsubscribe me | Unsubscribe please! | CANCEL | cancel all
    cancel please | END | end now | QUIT | quit. | REVOKE | optout | opt out | Opt-Out | opt me out please
    I want to opt out | REMOVE | remove me | Remove please | DELETE | delete my number | delete me from your list
    Delete my info | EXIT | arret | halt | stop it | Stop this | stop already | stop!!! 😡 | STOP 🛑 | 🛑 | 🛑🛑 texting me
    Ѕtор texting mе | ＵＮＳＵＢＳＣＲＩＢＥ | st0p | S.T.O.P | s t o p   p l e a s e | STOPPPP | stop2 | STOP2END | stopnow
    please stop | stop please, thank you | Stop, thanks | Stpo | stp | Stopp texting me | stip messaging me
    unsubscibe | unsuscribe | UNSUBCRIBE ME | unsubscrib | cancell | cancle please | stop texting me
    Can you stop texting me? | Could you please stop sending me these messages
    would you kindly stop contacting this number | I want you to stop | I would like you to stop texting this phone
    I'd like to stop receiving these | I want to stop getting texts | you need to stop | You guys really have to stop
    why don't you stop texting me | Why won't you stop | can't you just stop
    if you don't stop I will report you to the FCC | you never stop | make it stop | make these texts stop
    These messages need to stop | this has to stop | I want these texts stopped | I said stop
    I already told you to stop | how many times do I have to say stop | how do I stop these texts
    How can I make this stop? | I don't know how to stop these messages | I'm busy, stop | not interested stop
    I don't want this. Stop | I can't. STOP | no stop | No, stop | Hi, who is this? Stop. | ok so please stop now
    Thank you for the last client but please stop sending these | stop with the texts | stop annoying me
    Stop blowing up my phone | stop harassing me | stop spamming | stop sending me leads | stop contacting
    Stop calling me too | Stop sending, I retired | stop at once | stop immediately | stop for good
    stop and remove my number | please stop to send me messages | stop the messages | stop these alerts
    stop everything | Y STOP | yes stop | ok stop | stop y | sure, stop | Yes please cancel
    Yes, cancel my subscription | ok cancel all | yes, delete my number | yes but remove me from the list
    yes unsubscribe | ok, please remove | Yes please remove my number | cancel my subscription | Cancel these messages
    I want to cancel my service | I'd like to unsubscribe | how do I unsubscribe | please cancel | Please end
    please quit | end my subscription | end all messages | quit texting me
    quit it with the texts already, quit sending | terminate my account | discontinue these texts | cease and desist
    please deactivate my account | revoke my consent | I revoke my permission to text me
    I hereby withdraw my consent | I do not consent to these messages | you don't have my permission to text me
    I never gave you consent | no consent | remove my number | Remove this number from your list
    Please remove us from your database | take me off your list | Take me off this list please! | take my number off
    get me off this list | Please take my name off your list | drop me from your list | leave me alone
    Leave me alone!!! | lose my number | Lose this number | forget my number | go away | get lost | don't text me
    do not text me again | Please do not text this number anymore | never text me again | dont message me
    DO NOT CONTACT | Do not contact me | please don't contact us anymore | don't call or text me again
    Do not send me any more messages | don't send me anything else | Don't send me these | dont send anymore
    no more texts | No more messages please | no more of these | no more | No texts please | I don't want these texts
    I don't want any more messages from you | I do not wish to receive these messages | I don't want to be contacted
    i no longer want to receive texts | I no longer wish to be contacted | not interested in receiving your texts
    I don't need these alerts | we don't want to hear from you | I don't want you to text me
    I don't want you texting me | you may not text me | You are not allowed to contact me | sick of these texts
    tired of getting these messages | put me on your do not call list | add me to your stop list
    no thanks, take me off | Amy here, please remove me, I moved | wrong number, please remove | Block my number
    unsub | txt stop... stop txting me | pls stop msging | stahp texting me | Please stop by removing me from the list
    I got the last lead but the client never showed, so remove me | Please take me off of this
    I'm done with this, stop | Cancel please and thank you | kindly remove | Pls rmv me | Take me off
    Not interested. Please remove. | delete this number | STOP SENDING ME TEXTS!!!!!
    Unsubscribe me from all future texts | Please stop contacting me, I sold my business
    don't contact this number ever again | stop msgs | Stop w the texts | quit sending me this crap | Quit bugging me
    plz unsubscribe | unsubscribe pls 🙏 | U N S U B S C R I B E | Stop? | stop stop stop
    please cease all communication | cease contact | I opt out of receiving messages | I choose to opt out
    opting out | I would like to be removed | Please have my number removed | I'd like my number deleted
    Can you delete my number? | can u remove me | would you remove my contact info? | End service | Stop service
    cancel service | Cancel membership | close my account | I want out | get me off this thing's list
    don't text again | NO MORE TEXT MESSAGES | no further messages | Please no further contact
    stop bothering my phone | stop hitting me up | Who is this? Remove my number | I asked you to stop | STOP I SAID
    I've told you to stop three times | ok thanks but no more texts | yes and then unsubscribe me | No stop texting
    nope, stop | n stop | YES STOP NOW | stop ✋ | ✋ stop | stop txts | stop dis | Please don't send me offers anymore
    Don't want these | I don't want this anymore | I do not want any of these anymore | Forget me | I withdraw consent
    consent revoked | stop or I'll sue | Stop or I will call the police | Stop, this is harassment
    I dont want to get these texts | we do not want to receive any further messages from you
    I'd rather not get these texts | Please refrain from texting me | Refrain from contacting this number
    would you mind not texting me | I am no longer interested in these messages
    I am no longer interested in receiving leads, please remove me | Take this phone off your list
    can you please unsubscribe this number | this number is no longer Amy's, please stop
    This is not Amy. Stop texting this number. | You have the wrong number, stop | wrong person, remove my number
    I changed my number owner, take me off the list | no. stop. now. | I SAID STOP TEXTING ME | For the last time STOP
    for the love of god stop | omg stop | bro stop | hey stop | can you stop | will you please stop | Would you stop!
    please, stop | please just stop | just stop | stop man | stop amy | STOP GOLD TOUCH | STOP MIAMI
    end it all texts | "stop" | (stop) | *STOP* | stop/unsubscribe | stop & remove | unsubscribe/stop | optout.
    OPT-OUT ME | opt this number out | I'd like to opt out of this program | Cancel my alerts | cancel notifications
    cancel sms | turn off notifications | disable these alerts | I revoke | quit | I quit | please unenroll me
    deregister my phone | unregister me | I want to cancel | I'd like to cancel please | how do I cancel
    How can I cancel this? | can you cancel my membership | ok fine, unsubscribe | Ok, remove me then
    yes, and please stop texting | Please do not text me any more | I do not want to receive any more texts
    Please discontinue | Discontinue service please | PLEASE REMOVE ME FROM YOUR TEXT LIST
    Remove my phone # from your list | Please remove 305-555-0100 from your list | remove 3055550100
    Take 3055550100 off your list | no more leads please | no more offers | I'm not taking leads anymore, please stop
    I retired. No more texts. | we closed the business please remove us | I sold the company, stop sending these
    Please take us off | unlist me | scrub my number | blacklist my number | purge my data
    Please erase my information | wipe my info | delete all my data | delete me | DELETE ME NOW
    I'd appreciate it if you stopped texting me | it would be great if you stopped | I wish you would stop
    I wish these would stop | wish you'd stop texting | when will you stop texting me | when are you going to stop
    will you ever stop | do you people ever stop | how many times must I ask you to stop | asking you again to stop
    I am asking you to stop | I'm begging you to stop | this is my final request to stop | final notice: stop texting
    last warning stop texting me | STOP STOP STOP!!!! | sTOp | Stop...... | ...stop... | -stop- | stop :) | stop 🙏🙏
    🙏 stop | stop🛑stop | 👎 stop | 👍 stop | ok 👍 stop | stop 👎 | no 🛑 | yes 🛑 | unsubscribe 😡😡 | ❌ unsubscribe
    remove me 🙄 | cancel❗ | CANCEL!!! | "unsubscribe" | unsubscribe. | un-subscribe | un subscribe | unsubscribe all
    unsubscribe from all | unsubscribe from list | UNSUBSCRIBE THIS NUMBER | Unsubscribed | Unsubscribing | unsbscribe
    unsubsribe | unsubscrbe me please | unsuscribe me | desubscribe | unsub pls | Ⓤⓝⓢⓤⓑ | 𝕊𝕋𝕆ℙ | ꜱᴛᴏᴘ ᴛᴇxᴛɪɴɢ ᴍᴇ
    СТОР | S†OP | $TOP texting me | STОP sending | сancel | cаncel аll | rеmove me | st0p t3xting me | ST0P!!!
    5top texting me | s-t-o-p | s_t_o_p | s*t*o*p | S.T.O.P. texting me | st op | s t o p texting me
    stop?? who is this | who is this?? stop | what is this? remove me
    Who are you and how did you get this number? Take me off. | I don't know you. Stop texting.
    Idk who this is but stop texting me | I have asked 3 times to be removed | I asked to be taken off
    I already unsubscribed | I've opted out already | i opted out last week why am i still getting these
    I thought I unsubscribed | I thought I told you to stop | didn't I tell you to stop? | did I not say stop
    haven't I asked you to stop | Can't you guys stop this | Please, please stop | Por favor stop texting me
    cancel this subscription | Cancel everything | Cancel my number | cancel my phone | end these texts
    End this now please | end texts | end this subscription | please end this | revoke consent | I revoke all consent
    withdraw my permission | You do not have my permission | you do not have permission to contact me
    I didn't authorize these texts | I do not authorize this | not authorized to text me
    I never agreed to these texts | I never signed up for these texts, stop | stop. never signed up
    I don't want your messages | dont want ur texts | Don't want to be on this list | I don't want to be on your list
    I no longer want to be on your list | I'd like off this list | want off the list | off the list please
    let me off this list | how do I get off this list | how do I get off your list? | how to opt out
    how to unsubscribe? | how can I opt out of this | Is there a way to stop these? | is there any way to unsubscribe
    where do I unsubscribe | can I unsubscribe | can i opt out | could I be removed | may I be taken off the list
    I need to be taken off this list | I need you to remove me | need to unsubscribe | trying to unsubscribe
    Attempting to opt out | would like to opt-out | please process my opt out | opt-out request | STOP request
    This is my opt out | this is a stop request | Consider this my opt-out notice | please honor my opt out
    Do not disturb me again | don't bother me | Don't bother texting me again | never contact this number again
    don't ever text this number again | Dont text this # | do NOT text this number | Do not message this phone
    dont txt me | dnt txt me | dont msg me anymore | do not sms me | don't spam me | quit spamming me | quit texting
    quit sending texts | quit it | Quit!!! | knock it off | cut it out | enough with the texts
    Enough of these messages | enough texts | enough already, stop | no more spam | No spam | no spam please
    spam stop | Report spam stop | Enough! Remove my contact | I dont want more messages | dont want any more text
    Don't want messages from you people | Please stop these | pls stop this | stop pls | Stop lah | STOP. I mean it
    STOP, I mean it! | I mean stop | Seriously stop | seriously, stop texting | stop NOW | Stop right now
    stop immediately! | stop today | Could you stop this please? | Could you please stop? | Kindly stop
    kindly stop messaging this number | Do stop | Must stop | you must stop | You should stop texting people
    Y'all need to stop | You all stop | u need 2 stop | u stop txtn me | stop txtin me | stop textn me | stop msgn me
    stop sendin me dis | stop sending me messages in the middle of the night | stop texting me at 3am
    stop texting me before 9 | stop texting after hours | Stop texting my wife | stop texting my phone
    stop texting this phone number | stop sending texts to this number | Stop sending to this number
    stop sending messages to my phone | stop your messages | stop ur texts | stop all texts | stop all msgs
    stop all of this | stop all of these messages | stop everything now | stop marketing | stop promo | stop alerts
    stop ads | stop subscription | stop my subscription | stop program | stop list | stop service now | STOP leads
    stop leads please | stop the leads | stop offers | stop sending offers | stop inquiries | stop client inquiries
    stop new client alerts | Can't you see I want you to stop | what part of stop don't you understand
    What part of STOP do you not understand? | the answer is stop | My reply is STOP | I reply STOP
    I am replying STOP | replying stop | Reply: STOP | Reply STOP | text STOP | Type stop | Answer: stop
    STOP to all messages | STOP to end | stop to opt out | stop = stop | Reply STOP to unsubscribe | ok. STOP
    N. STOP | Y. STOP | No thanks. Stop | no thank you stop | thanks but stop | Thanks but no thanks, remove me
    Thank you, please unsubscribe me | Hello, please take me off the list. Thanks!
    Hi Amy here. I no longer do massages. Please remove me from your list.
    Good morning, kindly unsubscribe my number | I moved to Texas, stop sending | I'm retired now please stop
    I am no longer in business please stop the texts | not a therapist. stop
    I'm not a massage therapist, stop texting | I'm not Amy, stop | This isn't Amy anymore. Please remove.
    She doesn't have this number anymore. Stop. | He passed away. Please stop texting. | wrong number stop texting
    You have wrong number. Please stop messaging. | Wrong person please delete my number
    I will block you if you text again, stop | I'm blocking this number, stop | if I get one more text I'll sue, stop
    One more text and I'm calling my lawyer. STOP | Do not text me or I will sue | don't ever contact me again
    never ever text me | no texting | no texting me | no msgs | No more msgs pls | no more sms | no more notifications
    no longer want texts | no longer want this service | no longer wish to receive texts
    No longer need these messages | I wanna opt out | i wanna stop this | I wanna unsubscribe | lemme out of this
    Get me off | Get my number off your list | get my number out of your system | take my name and number off
    remove my name and number please | remove name | remove contact | remove from list | REMOVE FROM LIST
    remove number | delete number | delete contact | delete from list | Delete my name | erase me | erase my number
    unsubscribe my number | UNSUBSCRIBE MY PHONE | end messages | end sms | END TEXTS | end the messages | end program
    quit sending | quit messaging me | quit it please | leave me alone please
    Leave me alone or I will call the police | leave this number alone | please leave us alone | do not bother me
    Please do not disturb me | don't disturb us | stop disturbing me | Stop bugging me | stop hounding me
    stop with this nonsense | stop this nonsense | stop this madness | stop this spam | Stop the spam!! | spam! stop
    cancel cancel cancel | CANCEL PLEASE!!! | Please cancel my texts | please cancel texts | cancel my text messages
    cancel text alerts | cancel msgs | cancel all msgs | cancel membership please | cancel my plan | cancel enrollment
    revoke | revoke all | revoke my number | I revoke my consent to be contacted | revoke authorization
    I am revoking my consent | withdrawing my consent | consent withdrawn | I opt out | opt out all | opt-out now
    opt me out of texts | opting out of this | Opt. Out. | op out | otp out | remove me right now
    Remove me from the list today | unsubscribe me today please | take me off this list right now
    please cancel my subscription today | Delete my number immediately today | do not text me after today
    don't contact me after this | please remove me before I report you | unsubscribe me while you're at it
    I told you yesterday to remove me | opt me out today | stop texting me tonight | fuck off`),
  /** Ordinary sentences with a word of revocation, and revocations that are negated. */
  never: split(`
    Yes, I can stop by tonight | Can you stop by tomorrow? | I can't stop working till 6 | don't stop | bus stop
    non-stop | nonstop | I work non-stop on Fridays | I'm at the bus stop | Meet me at the Lincoln stop
    I'll stop there at 5 | I could stop in around noon | she can stop by after work | Could she stop by my studio?
    Do you stop in Miami Beach? | what time do you stop? | When do you stop taking clients | I stop working at six
    we stop at 9 | I never stop working | My phone won't stop ringing | the rain has not stopped
    It won't stop raining | I had to stop for gas | I need to stop at the store first | on my way, one more stop
    this is my last stop | next stop is Coral Gables | I am a one-stop shop | the first stop is at 4
    Please don't stop | please do not stop sending me leads | don't stop texting me leads | never stop sending these
    Yes don't stop | you don't have to stop | I don't want to stop | I don't want you to stop
    He told me to stop working weekends | my doctor told me to stop | she won't stop talking
    I'll stop by and then call her | yes I can make a stop there | I can stop over at 7
    I want to stop working at 8 today | can you stop and get water | I stopped doing deep tissue
    The client stopped answering | stopping by at 5 | the end of the day works | end of the month is better
    Yes until the end of the day | weekend is fine | this weekend | the client cancelled
    She will cancel her appointment | what if the client cancels? | Is there a cancellation policy?
    can I cancel later? | what happens if I cancel | cancel lead_abc12345 | I quit my job | did she quit?
    Can you remove the price? | how do I remove the paywall | I'll text you later | I don't text and drive
    don't text me the address yet | I dont call clients | don't call her | Don't unsubscribe me
    I don't want to unsubscribe | please don't remove me | don't remove my number | do not delete my number
    Never remove me from the list | I did not opt out | I never unsubscribed | Why was I removed? | leave a message
    I'll leave at 5 | drop me a line | take me off at 5 | Don't lose my number | get me the address
    send me the details | no more than 2 clients a day | No more questions | more info please | that's enough info
    where is the stop sign | stop light on 5th | alto precio | full stop at the light | I don't stop until 7
    pit stop first | we don't stop for lunch | I can stop the car | He has to stop at the pharmacy | I might stop by
    gonna stop by later | my kids never stop | Who is this? | No stops today | I'll stop on by
    stop and smell the roses | I can't stop laughing | Will you stop by? | Did you stop by? | The bus stops here
    Is that stop near you? | Which stop should I get off at? | get off at stop 5 | truck stop on I-95
    stop-and-go traffic | I'd stop there if I could | We could stop, if you want | Let's stop for coffee
    let's stop at 9 | I usually stop early | Trains stop running at midnight | You stop at 9?
    if you stop by I'll pay you | can you stop at CVS | would you stop to pick up oil | I had to pull over and stop
    I'm gonna pull over and stop | The meeting will stop by 5 | can't stop won't stop | cancel all my appointments
    Can I cancel my subscription later? | Can I cancel my subscription at any time? | the client would like to cancel
    client wants to cancel | She said she wants to quit | The gym ended my membership | I need to leave
    I have to leave at 5 | I need to quit by 5 | I like to quit early | leave me a message | leave us a review
    let me be clear | I have to go away this weekend | No texting while driving | no contact info yet
    He never texts me | She did not call me | Leads never call me back | clients don't call me
    they don't text me back | the client didn't contact me | don't send the lead yet | don't send me any today
    No calls today please | Don't text me after 9 pm | please don't call before noon | Yes, but don't text me after 9
    no texts until Monday please | I don't want any more today | I don't need permission from him
    I was unsubscribed by mistake | Why was I removed from the list? | I did not unsubscribe | delete my last message
    remove the second address | I don't want to miss it | don't forget me | I never get texts from the client
    I didn't get any message | I never received the text | I did not receive the link | you didn't send me the link
    I don't see the text | stop sign at the corner | I live by the bus stop | my office is one stop from Brickell
    two stops away | He will stop in | Kids stop school at 3 | They stop serving at 10 | the AC won't stop leaking
    my dog doesn't stop barking | when I stop driving I'll read it | as soon as I stop I'll check
    Let me stop real quick and check | I'm about to stop | I'll stop whatever I'm doing | Nothing can stop me
    nothing will stop me from taking it | what's stopping you? | Are you going to stop offering massages in Miami?
    The end | in the end I took it | end of story | he ended up canceling | My contract ends Friday | Weekends only
    cancel culture lol | I can cancel my 3pm and take it | If they cancel I get a refund? | Refund if client cancels?
    quitting time is 5 | I'm quite busy | revoked license? | please delete the typo in my name | I removed my car
    my out of office is on | opt in | I opted in last week | I want to subscribe | sign me up
    Don't opt me out please | please do not unsubscribe me | I don't wish to be removed | Please don't stop sending
    Keep sending them | no need to stop | there's no reason to stop | I never said stop | I didn't say stop
    I did not mean to opt out | I don't know how to stop by | I never agreed to $20 | Yes and don't take me off
    keep me on the list | please keep me on your list | can I be added to the list | put me on the list
    Did you take me off? | Am I still on the list? | When is the last stop? | I need a place to stop
    I have one stop to make first | on my way just need to stop home | I can't wait | can't wait!
    I'll be there at 5, quick stop first | Yes, quick stop at the bank then I'm free | Yes I stop at 9
    Yes but I stop working at 9 | sure, I can stop in after 5 | ok stopping by now | Yep, I will stop by her place
    Could you ask her to stop by? | Tell her to stop by at 6 | she asked me to stop by | she wants me to stop by
    He wants me to stop working | my back hurts I have to stop doing deep tissue | I have to stop for today
    We have to stop at 8 | Is it OK if I stop by at 7? | Do I need to stop at reception? | Where should I stop?
    where can I stop the car? | can I stop by? | Do you guys stop at 10? | Should I stop? | Should I stop by?
    I plan to stop by | planning to stop there | I don't think I can stop by | I don't have time to stop
    I won't stop until she's happy | you can't stop me lol | There is no stopping now | non stop flight
    a nonstop day | 24/7 nonstop | this never stops | it never stops being busy | I end at 5 | I end work at 5
    my shift ends at 6 | East end of Miami | west end | dead end street | end unit, door code?
    what's at the end of the street? | quit smoking therapy? | I do quit smoking sessions | do you take cancellations
    cancellation fee? | If I cancel do I get a refund | I had to cancel on her | She canceled on me | I got canceled
    My 3pm cancelled so yes | A client cancelled, so I'm free, yes | The customer asked to cancel
    they wanted to cancel | Remove the shoes? | how do I delete a lead | Do I need to remove my table?
    is the address removed? | why is the phone deleted | lead was removed? | block party on 5th? | It's on my block
    I'm on the 1400 block | drop me the address | drop by at 5 | drop off at 6 | take off at 5
    Take me to the address | I'm off at 6 | I'm off today | leave it with the doorman | She should leave the door open
    lose the address? | I lost my number | forget the address, I know it | I forgot my phone | do I text her or you?
    should I text the client | Do not ring the bell | don't be late | don't call before I arrive | Don't text her
    I don't text clients | why don't you text me the address | Why don't you call me | can't you send me the address
    don't you have more leads | don't you send texts to others? | never mind, yes | I never text back that fast
    No calls from the client | No messages from her yet | No text from client | I got no text
    no more availability today | no more info needed | there is no more time | no longer at that address
    not interested in deep tissue | I don't want to be late | I don't want to get there late
    I do not want to keep her waiting | I want to get more leads | I want to receive more leads
    I'd like to receive leads in Spanish | I wish to receive these | want more texts like this
    Please send me more messages | keep texting me | keep them coming | text me anytime | text me the details
    Please text this number | contact me tomorrow | call me | call this number | yes call me | yes text me
    yes, this is my new number | my number changed | what does STOP do? | what happens if I text STOP?
    does STOP cancel my payment? | What does unsubscribe mean? | I'll be at the stop in 5
    Stopping for gas, back soon | He is at the next stop | Can you have her stop by at 4? | Can we stop by the hotel?
    May I stop by early? | I can't stop, I'm late | Can't stop now, call you later
    The elevator doesn't stop at my floor | is there a bus stop nearby? | Take the bus, get off at the third stop
    it's 2 stops past Brickell | I'm stopping work at 7 | My car stopped working | My phone stopped working
    my card stopped working | the link stopped working | why did the link stop working? | why did it stop working
    did the offers stop? | Why did the leads stop coming? | why did you stop sending me leads
    did you guys stop sending leads? | I stopped getting your texts | I stopped receiving leads
    why have the texts stopped | I don't get your texts anymore | I'm not getting your messages
    I'm no longer getting leads, why? | I didn't receive any texts this week | please don't cancel | do not cancel it
    don't cancel my subscription | I don't want to cancel | did my subscription cancel? | how much to cancel?
    what's the cancellation fee | Can the client cancel? | will she cancel? | She might cancel
    hope she doesn't cancel | my last one cancelled last minute | who cancels? | don't end it | When does it end?
    what time does it end | Where does the offer end | till the end of June | in the end yes | weekend rates?
    sure, at the end of the week | yes, end of day | yes at the end of the month | I quit at 5
    I'm going to quit early today | Do you remove the fee? | remove the fee and I'll take it | Can you remove the tip?
    can I remove my shoes | is the number removed from the text | where do I put my number | is this her number?
    leave the key at the desk | leave my card at the front | please leave the gate open | Let her know I'm coming
    let me know | get back to me | take the 5pm one | take it | I'll take it off your hands | off at 9 | day off
    I'm off tomorrow | log off | which list? | whose list is this | opt for 90 min | optional add-ons? | option 2
    I opt for deep tissue | out of town today | out of oil lol | I'm out | no more today | nothing more today
    no more clients today | I need no more than 20 min | nobody texted me | did you text me? | did you text the client
    I will not text the client first | should I not call her? | I won't call before 5 | I can't text while driving
    sorry can't text now | never mind | Do not tell her | don't worry | don't forget the oil | Don't go yet
    don't have a table | I don't have her number | I do not have a car | I don't speak English | take me off this one
    Remove me from this lead please | leave me out of this one | block me in for 5pm | block me out from 3 to 5
    delete this lead | remove this lead from my phone | please cancel this order | cancel this offer
    end this one early | I want to cancel my order | Skip this lead please | drop this one`),
  /** Acceptances. */
  accept: split(`
    Yes | yes please! | Y lead_abc12345 | Yes, I can stop by tonight | yes I'm available | Yes, send it | sure thing
    ok | OK send me the details | 👍 | yeah I want it | yes I'll take it | Yep, no problem
    Yes! Thank you for reaching out | yes until the end of the day | Y! | yes sir | Yes, I want this lead
    ok I'll take it | Sure, send me the link | yes how much | Yes I do | yes for tonight | yes, at 5pm
    Yes, I'm free tomorrow | YES!!! | yes y | yes and thank you | Yes, quick stop at the bank then I'm free
    Yes I stop at 9 | yes, I work non-stop | yes, text me | Yes please unlock | Yes, I'll take it off your hands
    Yes! she can stop by anytime | Ok I'm in | Sure, end of day | yes, I need the number
    Yes send me her number please | yes I want all | yes text her for me | Yes, take my number: 3055550100
    sure my number is 3055550100 | yes ok | Yes lead_abc12345 thanks | Yes, I will be at the bus stop | Yes 🎉
    YES YES YES | yes thanks for reaching out | Sure, thanks for the text | ok thank you | ok great
    Okay, send it over | OK sounds good | Yes, where do I pay? | yes how do i pay | Yeah sure | yep 👍 | 👍👍 yes
    Y please | Y thanks | y, lead_abc12345 | Yes I can work till 6 | Yes but I'm free after 6 only
    yes, any time before noon | Yes, tonight works | yes I want that one | Yes to lead_abc12345 | I say yes
    definitely yes | Oh yes | hell yes | hey yes! | Yes. I stop working at 9 but can do it`),
  /** Refusals. */
  decline: split(`
    No, not today | not interested | no, I'm not available | I'm not interested | I am not available today
    Not interested, thanks | not today | Not this time | no thanks | No thank you! | nah | nope | N | I'll pass
    pass on this one | hard pass | can't tonight | I can't today | Sorry, can't make it | I can't do it | unavailable
    sorry I'm busy | I'm booked | fully booked today | too far | that's too expensive | I don't want it
    don't want this one | I don't need it | No, I don't want this lead | no, I can't | No, I'm out of town
    not for me | No longer interested | No me interesa | skip | 👎 | No I can't | no not now | No, too far
    No, thank you | no, sorry | No way | no im good | No, I am booked up | NO | n. | no, I don't do deep tissue
    No I don't want this one | Not available | not available tonight | I'm not free | I'm not in Miami today
    I am not working today | not working tonight sorry | can't do this one | I can't take it
    I won't be able to make it | unable to take this | Sorry, I'm booked solid | I'm out of town | sorry out of town
    wrong area | not my area | not interested in this one | Don't want it, thanks | I'll skip this one | skip it
    passing on this | Not tonight | not right now | Not at this time | no lead_abc12345 | no, I have another client
    Nope, not today | no tengo tiempo`),
  /** Questions, hesitation, limits, and a word of revocation beside a yes. */
  unclear: split(`
    who is this? | how much is it | Y or N? | yes or no | not sure | I'm not sure | maybe | ok let me think
    ok cancel | yes, cancel it | Can you stop by tomorrow? | I can't open the link | I can't see the details
    no, don't skip | what's the address? | where is it? | no texts before 9am | don't text me before 8
    do not call me at night | don't call me, text me | wrong number | Yes but who gave you my number
    I can't stop working till 6 | Is this legit? | how do I pay? | What's the budget? | is she still available?
    Where in Miami | what time | Can I call you? | do you take cash | I have a question | hello? | hi | thanks
    Thank you! | call me | 5pm | 3055550100 | who gave you my number? | I can't pay | link doesn't work
    the link is broken | not yet | no idea what this is | I don't understand | yes, remove it | ok quit | Sure, end
    yes but wrong number | yes if she cancels | don't skip | maybe yes | Yes or no? | can I say yes later?
    should I reply yes? | no texts after 9pm please | Please don't text me today`),
  /** Autoresponders, delivery services, and our own texts sent back. */
  auto: split(`
    I'm driving right now, I'll get back to you later
    I’m driving with Do Not Disturb While Driving turned on. I’ll see your message when I get where I’m going.
    I'm driving. Sent from My Car
    (I’m not receiving notifications. If this is urgent, reply “urgent” to send a notification through with your original message.)
    Yes, I'm driving, I will call you back | Out of office until Monday. For emergencies call 305-555-0100.
    I am currently out of the office with limited access to email. | Auto-reply: we are closed until 9am
    This number does not accept text messages.
    This number does not accept incoming messages. Please call 305 555 0100.
    The number you are texting is not monitored. Do not reply to this message. | This mailbox is unmonitored
    Thanks for contacting Joe's Barber! We will get back to you shortly. Reply STOP to unsubscribe.
    Thank you for your message. Our office hours are 9 to 5. OK?
    Thanks for texting! A team member will reply soon. Text STOP to opt out, HELP for help.
    Your package has been delivered. Reply STOP to end. | Your message could not be delivered
    Sorry, I can't talk right now. | Can't talk now. What's up?
    You've reached the voicemail of Amy. Please leave a message after the tone.
    We have received your message and will respond within 24 hours.
    Message blocked: recipient unable to receive messages. | To stop receiving these messages reply STOP
    Your verification code is 123456
    Amy, new client inquiry in Miami. Type: Massage. Reply Y to unlock contact details for $20. Reply N to skip. Lead lead_abc12345.
    Sorry, we did not understand. Reply Y to unlock lead lead_abc12345, N to skip, STOP to opt out. Contact: help@gold-touch.example
    Gold Touch: client inquiries by text. Reply Y to unlock an offer, N to skip, STOP to opt out, START to come back. Msg & data rates may apply.
    Gold Touch: you have opted out and will get no more messages. Reply START to come back, HELP for help.
    You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.
    I am on vacation until June 3 and will reply when I return.
    Hi! I'm with a client right now and will respond as soon as I can. | I'm in a meeting. I'll text you back later.
    Thank you for contacting Gold Spa. We are currently closed. Our hours are Mon-Fri 9-5.
    Thanks for your text! I'll be with you shortly. | This is an automated message. Replies are not monitored.
    AUTOMATIC REPLY: I am away | [Auto] I'm busy right now | Auto response: Out of office
    The person you are trying to reach is not available. | The wireless customer you are calling is not available
    This phone number is no longer in service. | Sorry, this number can't receive texts. Call us instead.
    This number cannot receive SMS | Texts to this number are not monitored
    Free Msg: Unable to send message - Message Blocking is active.
    Error: invalid number. Please resend using a valid 10 digit mobile number | Unsupported message. Please call
    USPS: your package will be delivered today | Your order #1234 has shipped. Reply STOP to opt out
    Your appointment is confirmed for 5pm. Reply C to confirm.
    Hello! We received your message and a representative will contact you shortly.
    En este momento no podemos atenderte, te responderemos pronto`),
};
